// SPDX-License-Identifier: MIT
/*
 * Predictions over arbitrary text, as a recording of each format that has a model of its own. They
 * must end, stay within their input, and count each thing once; what is refused says why.
 */
#include <string.h>

#include "input.h"
#include "predict/predict.h"

static void predict_as(const uint8_t *data, size_t bytes, const char *format,
		       const struct profile *profile)
{
	const struct predict_config config = {.profile = profile};
	struct predict_result r;
	struct trace *t = NULL;
	struct err err = {""};
	int rc = trace_open_memory(&t, data, bytes, "input", format, &err);

	if (!rc)
		rc = predict_run(t, &config, &r, &err);
	JUDGE(rc <= 0 && (rc == 0 || err.text[0] != '\0'));
	for (unsigned i = 0; !rc && i < PREDICT_PARTS; i++) {
		const struct predict_score *s = &r.part[i];
		const double right = predict_fraction(s);

		JUDGE(right >= 0 && right <= 1);
		JUDGE(s->applies || s->exact + s->wrong + s->unobservable == 0);
		JUDGE((s->wrong != 0) == (s->first.line != 0));
		JUDGE(memchr(s->first.state, '\0', sizeof(s->first.state)));
	}
	JUDGE(rc || (r.model && r.notes <= PREDICT_NOTES));
	trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char *const formats[] = {"ftrace", "qemu-vtd", "qemu-tce"};
	struct profile profile;
	struct err err = {""};

	/* Its own fuzz target has what a profile may be. */
	JUDGE(profile_load(&profile, IOTOLL_PROFILE, ESTIMATE_DEFAULT, NULL, &err) == 0);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		predict_as(data, bytes, formats[i], &profile);
	return 0;
}

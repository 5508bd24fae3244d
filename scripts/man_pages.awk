# SPDX-License-Identifier: MIT
#
# Manual pages, section 3, out of one public header: a page for each comment that stands above
# function declarations, a link for each further function under it, and one for the header with its
# opening words and its types. Set: out, a folder that is there; version.

function quoted(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	sub(/^[.']/, "\\\\\\&&", text)
	return text
}

# @name is an argument.
function words(text) {
	text = quoted(text)
	while (match(text, /@[a-z_]+/))
		text = substr(text, 1, RSTART - 1) "\\fI" substr(text, RSTART + 1, RLENGTH - 1) "\\fP" \
			substr(text, RSTART + RLENGTH)
	return text
}

function first_sentence(text,    end) {
	gsub(/\n/, " ", text)
	gsub(/ \([^)]*\)/, "", text)
	gsub(/@/, "", text)
	end = match(text, /[.:;]( |$)/)
	return end ? substr(text, 1, end - 1) : text
}

# The sentences that speak of results.
function results(text,    n, i, sentence, said) {
	gsub(/\n/, " ", text)
	gsub(/\. /, ".\n", text)
	n = split(text, sentence, "\n")
	said = ""
	for (i = 1; i <= n; i++)
		if (sentence[i] ~ /(^|[^A-Za-z0-9_])(-E[A-Z]+|NULL|[Tt]rue|[Ff]alse|Returns?|Results|answer|[01] (and|if|or)|[01][;:,.]|IOTOLL_DMA_MAPPING_ERROR|or 0|host pointer|entry|[Nn]ames?|Is |Does |May |How |What )/)
			said = said (said == "" ? "" : " ") sentence[i]
	return said == "" ? "What the description says." : said
}

# One line of it.
function plain(text) {
	gsub(/\n/, " ", text)
	return text
}

function heading(page, title) {
	printf ".\\\" Made of include/iotoll/%s by scripts/man_pages.awk.\n", header > page
	printf ".TH %s 3 \"\" \"iotoll %s\" \"libiotoll\"\n.ad l\n.SH NAME\n%s\n.SH SYNOPSIS\n.nf\n", title, version, \
		quoted(names) " \\- " quoted(summary) > page
	printf ".B #include <iotoll/%s>\n", header > page
}

function paragraphs(page, text,    n, i, line) {
	n = split(text, line, "\n")
	for (i = 1; i <= n; i++)
		if (line[i] == "")
			print ".PP" > page
		else
			print words(line[i]) > page
}

# All that is known of the functions under one comment.
function write_group(    page, i, j, n, line) {
	if (functions == 0 || comment == "") {
		functions = 0
		return
	}
	names = name[1]
	for (i = 2; i <= functions; i++)
		names = names ", " name[i]
	summary = first_sentence(comment)
	page = out "/" name[1] ".3"
	heading(page, name[1])
	for (i = 1; i <= functions; i++) {
		print ".PP" > page
		n = split(declaration[i], line, "\n")
		while (n > 0 && line[n] == "")
			n--
		for (j = 1; j <= n; j++)
			print ".B \"" words(line[j]) "\"" > page
	}
	print ".fi\n.SH DESCRIPTION" > page
	paragraphs(page, comment)
	if (before != "" && comment ~ /[Tt]he same|^And |^The reverse/)
		printf ".PP\nIn the header this stands behind\n.BR %s (3).\n", quoted(before) > page
	# Nothing is said twice.
	if (nothing || results(comment) != plain(comment)) {
		print ".SH RETURN VALUE" > page
		print(nothing ? "Nothing." : words(results(comment))) > page
	}
	printf ".SH SEE ALSO\n.BR iotoll_%s (3)\n", quoted(header) > page
	close(page)
	for (i = 2; i <= functions; i++) {
		page = out "/" name[i] ".3"
		printf ".so man3/%s.3\n", name[1] > page
		close(page)
	}
	before = name[1]
	index_of = index_of ".TP\n.BR " quoted(names) " (3)\n" quoted(summary) "\n"
	functions = 0
}

function comment_line(text) {
	sub(/^[ \t]*\/?\*+\/?[ \t]?/, "", text)
	sub(/[ \t]*\*\/$/, "", text)
	return text
}

# ---- reading ----

FNR == 1 {
	n = split(FILENAME, part, "/")
	header = part[n]
	opening = 1
}

/^IOTOLL_DECLS_BEGIN/ { inside = 1; next }
/^IOTOLL_DECLS_END/ { write_group(); inside = 0; next }

# The words that a header opens with.
!inside && /^\/\*/ && !/SPDX/ && opening { in_comment = 1; about = "" }
!inside && in_comment {
	last = ($0 ~ /\*\/$/)
	text = comment_line($0)
	about = about (about == "" ? "" : "\n") text
	if (last) {
		in_comment = 0
		opening = 0
	}
	next
}
!inside { next }

# Within a type: as it stands.
depth > 0 {
	types = types $0 "\n"
	depth += gsub(/\{/, "{") - gsub(/\}/, "}")
	next
}
# Inline functions have no symbol, and no page.
/^static inline/ { write_group(); inline = 1; comment = raw = "" }
inline { inline = ($0 !~ /^\}/); next }
in_comment {
	last = ($0 ~ /\*\/$/)
	raw = raw $0 "\n"
	text = comment_line($0)
	comment = comment (comment == "" || text == "" && last ? "" : "\n") text
	if (last)
		in_comment = 0
	next
}
/^\/\*/ {
	write_group()
	raw = $0 "\n"
	comment = comment_line($0)
	if ($0 !~ /\*\/$/)
		in_comment = 1
	next
}
/^$/ { write_group(); comment = raw = ""; next }
# A declaration, over as many lines as it takes.
declaring || /^[a-z].*[ *]iotoll_[a-z_]+\(/ && !/^static/ {
	if (!declaring) {
		functions++
		declaration[functions] = ""
		match($0, /iotoll_[a-z_]+\(/)
		name[functions] = substr($0, RSTART, RLENGTH - 1)
		nothing = (functions == 1 || nothing) && $0 ~ /^void iotoll/
	}
	declaration[functions] = declaration[functions] $0 "\n"
	declaring = ($0 !~ /;$/)
	next
}
# Anything else is a type, with the comment above it.
{
	write_group()
	types = types raw $0 "\n"
	raw = comment = ""
	depth += gsub(/\{/, "{") - gsub(/\}/, "}")
}

END {
	names = "iotoll_" header
	summary = first_sentence(about)
	page = out "/" names ".3"
	heading(page, names)
	print ".fi\n.SH DESCRIPTION" > page
	paragraphs(page, about)
	if (index_of != "")
		printf ".SH FUNCTIONS\n%s", index_of > page
	if (types != "") {
		print ".SH TYPES\n.nf" > page
		n = split(types, line, "\n")
		for (i = 1; i <= n; i++)
			print quoted(line[i]) > page
		print ".fi" > page
	}
	close(page)
}

/* SPDX-License-Identifier: MIT */
/*
 * Text into XML and HTML. Everything that did not originate in this source goes through here.
 */
#ifndef IOTOLL_REPORT_XML_H
#define IOTOLL_REPORT_XML_H

#include <stdio.h>

/*
 * Write @s escaped for element content and for attribute values in either quote. Characters XML
 * 1.0 does not allow (section 2.2) and ill-formed UTF-8 become U+FFFD.
 */
void xml_text(FILE *out, const char *s);

/*
 * Write @s as part of an id or a fragment reference: letters, digits, '.', '_' and '-' as they
 * are, any other byte as ':' and two hexadecimal digits, so different names stay different.
 */
void xml_id(FILE *out, const char *s);

#endif

/* SPDX-License-Identifier: MIT */
/* A small study with one of everything; its numbers are made up and mean nothing. */
#ifndef IOTOLL_TESTS_REPORT_SAMPLE_H
#define IOTOLL_TESTS_REPORT_SAMPLE_H

#define SAMPLE_LINE                                                                             \
	"{'id': '2', 'title': 'Throughput', 'kind': 'line', 'x_label': 'Message size (bytes)'," \
	" 'x_scale': 'log2', 'y_label': 'Mb/s', 'y_min': 0, 'y_max': 1000, 'note': 'A note.',"  \
	" 'series': [{'name': 'IOMMU off', 'points': [{'x': 16, 'y': 50, 'run': 'b/off/16'},"   \
	" {'x': 1024, 'y': 900}]}, {'name': 'IOMMU on', 'points': ["                            \
	" {'x': 16, 'y': 40, 'low': 35, 'high': 45}, {'x': 1024, 'y': 900, 'low': 880,"         \
	" 'high': 910}]}]}"

#define SAMPLE_SCATTER                                                                          \
	"{'id': '4', 'title': 'Price', 'kind': 'scatter', 'x_label': 'Price, %',"               \
	" 'y_scale': 'log2', 'y_label': 'Bytes in reach', 'command': ['iotoll', 'compare', 'a " \
	"b'],"                                                                                  \
	" 'series': [{'name': 'strict', 'front': true, 'points': [{'x': 200, 'y': 0,"           \
	" 'run': 'strict'}]}, {'name': 'late', 'points': [{'x': 40, 'y': 1048576}]},"           \
	" {'name': 'off', 'front': true, 'points': [{'x': -0.5, 'y': 4294967296}]}]}"

#define SAMPLE_BARS                                                                             \
	"{'id': 'cycles', 'title': 'Cycles', 'kind': 'stacked-bars', 'x_label': 'Message size " \
	"(bytes)', 'x_scale': 'log2', 'y_label': 'cycles/byte', 'series': ["                    \
	"{'bar': 'off', 'name': 'copy', 'points': [{'x': 16, 'y': 2}, {'x': 64, 'y': 1}]},"     \
	"{'bar': 'off', 'name': 'map', 'points': [{'x': 16, 'y': 0}, {'x': 64, 'y': 0}]},"      \
	"{'bar': 'on', 'name': 'copy', 'points': [{'x': 16, 'y': 2}, {'x': 64, 'y': 1}]},"      \
	"{'bar': 'on', 'name': 'map', 'points': [{'x': 16, 'y': 0.5}, {'x': 64, 'y': 0.25}]}]}"

#define SAMPLE_RUN                                                                                 \
	"{'schema': 1, 'id': 'b/off/16', 'version': '0.1.0', 'scenario': 'bare-metal', 'seed': 1," \
	" 'settings': {'load.message_bytes': '16', 'iommu.strategy': 'off'},"                      \
	" 'throughput_mbps': 50, 'elapsed_s': 10, 'payload_bytes': 62500000,"                      \
	" 'cpu_utilization_percent': 134.1, 'cpu_max_percent': 800, 'cpu_percent': [134.1, 0],"    \
	" 'service_demand_us_per_kb': 5.911, 'cpu_cycles': {'copy': 600, 'map': 200, 'idle': 50}," \
	" 'client': {'cpu_utilization_percent': 54.1, 'cpu_max_percent': 200,"                     \
	" 'service_demand_us_per_kb': 2.14}, 'dma': {'maps': 7, 'new': {'field': 'kept'}},"        \
	" 'warnings': ['client CPU 0 above 95 %']}"

#define SAMPLE_STUDY                                                                               \
	"{'study': 'paper', 'title': 'A study', 'version': '0.1.0', 'seed': 1, 'sut': 'x460',"     \
	" 'client': 'e326', 'summary': 'In short.', 'figures': [" SAMPLE_LINE "," SAMPLE_BARS "]," \
	" 'tables': [{'id': 'cycles', 'title': 'T', 'columns': [{'name': 'Message',"               \
	" 'unit': 'bytes', 'align': 'right'}, {'name': 'what'}], 'rows': [['16', 'x']]}],"         \
	" 'claims': [{'id': 'S1', 'text': 'Unaffected.', 'source': 'section 2.1', 'rule': 'r',"    \
	" 'measured': '0.1 %', 'verdict': 'holds'}, {'id': 'S2', 'text': 'More.',"                 \
	" 'verdict': 'does not hold'}], 'runs': [" SAMPLE_RUN "]}"

#endif

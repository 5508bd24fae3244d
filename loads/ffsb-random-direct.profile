# FFSB 6.0: large files read at random, 4 KiB a request, past the page cache: one mapping for each
# request, the most an IOMMU is asked for by a byte of disk traffic. Our choice.
time=10
directio=1

[filesystem0]
	location=/mnt/ffsb
	num_files=8
	min_filesize=16m
	max_filesize=16m
	create_blocksize=128k
[end0]

[threadgroup0]
	num_threads=32
	read_weight=1
	read_random=1
	read_size=64k
	read_blocksize=4k
[end0]

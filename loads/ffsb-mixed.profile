# FFSB 6.0: a bit of everything on one file system.
# The paper names FFSB and prints no profile: this one is our choice. Files of a file server's sizes,
# reads before all, and enough that is synced for the disk to see it.
time=10
directio=0
alignio=1

[filesystem0]
	location=/mnt/ffsb
	num_dirs=20
	num_files=800
	size_weight 4k 40
	size_weight 16k 30
	size_weight 64k 20
	size_weight 256k 8
	size_weight 2m 2
	create_blocksize=64k
[end0]

[threadgroup0]
	num_threads=16
	readall_weight=40
	read_weight=10
	append_weight=10
	append_fsync_weight=5
	create_weight=8
	create_fsync_weight=2
	delete_weight=8
	stat_weight=10
	open_close_weight=5
	metaop_weight=2
	read_size=4k
	read_blocksize=4k
	read_random=1
	write_size=8k
	write_blocksize=4k
	[stats]
		enable_stats=1
		enable_range=1
		msec_range 0 0.1
		msec_range 0.1 1
		msec_range 1 10
		msec_range 10 10000
	[end]
[end0]

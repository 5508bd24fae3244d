# FFSB 5.2: large files read from end to end through the page cache: long scatter lists, and the
# least an IOMMU is asked for by a byte. After the original's large-file read, smaller. Our choice.
num_filesystems=1
num_threadgroups=1
directio=0
time=10

[filesystem0]
location=/mnt/ffsb
num_files=16
num_dirs=0
max_filesize=16777216
min_filesize=16777216
create_blocksize=131072
[end0]

[threadgroup0]
num_threads=8
readall_weight=1
read_blocksize=65536
[end0]

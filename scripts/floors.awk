# SPDX-License-Identifier: MIT
#
# The judge behind check_floors.sh. First file: the table scripts/floors. Then facts:
#	file PATH, followed by its "include "X"" or "include <X>" lines;
#	library NAME, followed by its "defines SYMBOL" and "needs SYMBOL" lines.

function violation(text) {
	print text
	violations++
}

# The row that rules @path (relative to src/): the longest folder of the table it lies in.
function row_of(path) {
	while (sub(/\/[^\/]*$/, "", path))
		if (path in floor)
			return path
	return ""
}

function room_of(folder) {
	sub(/\/.*/, "", folder)
	return folder
}

function table_row(folder,    n, i, list) {
	floor[folder] = $3 + 0
	order[folder] = ++rows
	n = $5 == "-" ? 0 : split($5, list, ",")
	for (i = 1; i <= n; i++) {
		if (!(list[i] in floor) || floor[list[i]] > floor[folder])
			violation("scripts/floors: " folder " uses " list[i] ", which is not below it")
		may[folder, list[i]] = 1
	}
	n = $4 == "-" ? 0 : split($4, list, ",")
	for (i = 1; i <= n; i++) {
		library_room[list[i]] = room_of(folder)
		library_rows[list[i]] = library_rows[list[i]] " " folder
	}
}

# Which file of the tree "X" is, seen from @file: beside it, then the include path.
function resolve(file, name,    dir, i, n, path) {
	dir = file
	sub(/[^\/]*$/, "", dir)
	n = split(dir " src/ include/ src/dma/env/sim/ src/dma/env/native/", path, " ")
	for (i = 1; i <= n; i++) {
		dir = path[i] name
		while (sub(/[^\/]+\/\.\.\//, "", dir) || sub(/\/\.\//, "/", dir))
			;
		if (dir in tree)
			return dir
	}
	return ""
}

# The row whose code a header of the tree belongs to.
function owner(header,    name) {
	if (sub(/^include\/iotoll\//, "", header))
		return header in public ? public[header] : "?"
	sub(/^src\//, "", header)
	return row_of(header)
}

function judge_include(file, what,    name, header, from, to, prefix, known) {
	name = substr(what, 2, length(what) - 2)
	header = resolve(file, name)
	from = owner(file)
	if (from == "") {
		violation(file ": lies in no folder of scripts/floors")
	} else if (header == "") {
		known = what ~ /^</
		for (prefix in ext)
			if (index(name, prefix) == 1) {
				known = 1
				if (!((prefix, room_of(from)) in ext_may))
					violation(file ": includes " what ", which belongs to " ext[prefix])
			}
		if (!known)
			violation(file ": includes " what ", which is no file of the tree")
	} else {
		to = owner(header)
		if (to == "?" || from == "?")
			violation(to == "?" ? header ": no row 'public' in scripts/floors" \
				: file ": no row 'public' in scripts/floors")
		else if (room_of(from) != room_of(to) && !((from, room_of(to)) in may))
			violation(file ": includes " what ": " from " (floor " floor[from] \
				") may not use " room_of(to) " (floor " floor[room_of(to)] ")")
	}
}

function judge_calls(library, symbol,    home, room, n, i, list) {
	home = defined_in[symbol]
	room = library_room[library]
	if (home == "" || (library, symbol) in own || library_room[home] == room)
		return
	n = split(library_rows[library], list, " ")
	for (i = 1; i <= n; i++)
		if ((list[i], library_room[home]) in may)
			return
	violation("lib" library ".a calls " symbol "() of lib" home ".a: " room " (floor " floor[room] \
		") may not use " library_room[home] " (floor " floor[library_room[home]] ")")
}

FILENAME != "-" {
	sub(/#.*/, "")
	if ($1 == "folder" && NF == 5)
		table_row($2)
	else if ($1 == "public" && NF == 3)
		public[$2] = $3
	else if ($1 == "extern" && NF == 3) {
		ext[$2] = $3
		n = split($3, list, ",")
		for (i = 1; i <= n; i++)
			ext_may[$2, list[i]] = 1
	} else if (NF)
		violation("scripts/floors:" FNR ": expected folder, public or extern row")
	next
}

$1 == "file" { tree[current = $2] = 1 }
$1 == "include" { included_by[++includes] = current; included[includes] = $2 }
$1 == "library" {
	current = $2
	libraries++
	if (!(current in library_room))
		violation("lib" current ".a: no row of scripts/floors names it")
}
$1 == "defines" { defined_in[$2] = current; own[current, $2] = 1 }
$1 == "needs" { needed_by[++needs] = current; needed[needs] = $2 }

END {
	for (i = 1; i <= includes; i++)
		judge_include(included_by[i], included[i])
	for (i = 1; i <= needs; i++)
		judge_calls(needed_by[i], needed[i])
	printf "looked at %d includes and %d calls between %d libraries\n", includes, needs, libraries
	exit violations ? 1 : includes ? 0 : 2
}

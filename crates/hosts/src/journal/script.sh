# Prints rows of journals. Read by `sh` on its standard input, behind lines that set:
#   folder   where the journals are
#   mode     recent, or range with from and to (days as numbers, 20251202, both included)
#   wait     how long a lock is waited for (milliseconds)
#   read_before DAY TABLE   prints the last id that was read before
# Changes nothing: journals are opened read-only.
LC_ALL=C
export LC_ALL
exec 3>&1 </dev/null

# A day, 2025-12-02, as a number.
number() {
    rest=${1#*-}
    echo "${1%%-*}${rest%-*}${rest#*-}"
}

# SQL on standard input, rows to standard output, complaints to standard error.
ask() {
    { echo ".timeout $wait"; cat; } |
        sqlite3 -batch -bail -init /dev/null -list -noheader -separator '|' $readonly "$file"
}

# The SQL that reads the ids behind $last up to $top. The lock on the journal is let go between steps, so that a
# slow connection does not hold up who writes it.
select_rows() {
    step=500
    # Ids with such gaps are not stepped through.
    [ $((top - last)) -gt 50000000 ] && step=$((top - last))
    from_id=$last
    while [ "$from_id" -lt "$top" ]; do
        to_id=$((from_id + step))
        [ "$to_id" -gt "$top" ] && to_id=$top
        echo "SELECT 'R', id, hex(DateTime), hex(event), hex(Uniqueid), hex(request), hex(status), hex(response)," \
            "hex(responseTime) FROM $table WHERE id > $from_id AND id <= $to_id ORDER BY id;"
        from_id=$to_id
    done
    [ "$torn" ] || echo "SELECT 'END', count(*) FROM $table WHERE id > $last AND id <= $top;"
}

# Fails if there is no use in asking for more.
complain() {
    echo "bad|$letter|$(echo "$1" | tr '\n' ' ')"
    case $1 in *'is locked'*) return 1 ;; esac
}

# read_table TABLE LETTER
read_table() {
    table=$1 letter=$2
    last=$(read_before "$day" "$letter")
    top=$(echo "SELECT coalesce(max(id), 0) FROM $table;" | ask 2>&1)
    torn=
    case $top in
        # What stands before the damage can be read.
        *malformed*)
            complain "$top"
            torn=yes top=9223372036854775807 ;;
        '' | *[!0-9]*)
            complain "$top"
            return ;;
    esac
    echo "table|$letter|$top"
    why=$(select_rows | ask 2>&1 >&3) || complain "$why"
}

read_journal() {
    echo "journal|$day"
    if [ ! -e "$file" ]; then echo 'bad|-|missing'
    elif [ ! -f "$file" ]; then echo 'bad|-|not_a_file'
    elif [ ! -r "$file" ]; then echo 'bad|-|closed'
    elif [ ! -s "$file" ]; then echo 'bad|-|empty'
    else
        read_table AlternativeAPIlogs W && read_table APIlogs C
    fi
}

main() {
    echo "calltrace-journals|1|$(date '+%s|%N|%z|%Y-%m-%d')"
    command -v sqlite3 >/dev/null || { echo 'failed|no_sqlite3'; return; }
    cd "$folder" 2>/dev/null || { echo 'failed|no_folder'; return; }
    [ -r . ] || { echo 'failed|closed_folder'; return; }
    # Older ones do not have the option, and are asked for nothing but rows either.
    readonly=-readonly
    sqlite3 -readonly :memory: 'SELECT 1;' >/dev/null 2>&1 || readonly=
    if [ "$mode" = recent ]; then
        now=$(date +%s) hour=$(date +%H)
        today=$(date +%Y-%m-%d)
        # Noon of the day before, give or take the hour by which clocks are changed.
        yesterday=$(date -d "@$((now - (${hour#0} + 12) * 3600))" +%Y-%m-%d)
        from=$(number "$yesterday") to=$(number "$today")
    fi
    days=
    for file in Listen_AMI_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db; do
        day=${file#Listen_AMI_} day=${day%.db}
        case $day in *'*'* | *'['*) continue ;; esac
        echo "has|$day"
        at=$(number "$day")
        [ "$at" -ge "$from" ] && [ "$at" -le "$to" ] && days="$days $day"
    done
    for day in $days; do echo "wanted|$day"; done
    for day in $days; do
        file=Listen_AMI_$day.db
        read_journal
    done
    echo done
}

main

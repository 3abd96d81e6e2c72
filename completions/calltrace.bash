# bash completion of calltrace(1). Put it where bash-completion looks (Debian:
# /usr/share/bash-completion/completions/calltrace), or into ~/.bashrc:
#   source <(CALLTRACE_COMPLETE=bash calltrace)

_calltrace() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case "$line" in
            # What the shell itself does better: it knows how to quote them.
            :files) compopt -o default ;;
            :folders) compopt -o dirnames ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <(CALLTRACE_COMPLETE=bash calltrace -- "${COMP_WORDS[@]:0:COMP_CWORD}" "$2" 2>/dev/null)
}

# Calls are offered newest first; bash before 4.4 sorts them.
complete -o nosort -F _calltrace calltrace 2>/dev/null || complete -F _calltrace calltrace

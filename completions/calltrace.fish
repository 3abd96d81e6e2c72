# fish completion of calltrace(1). Put it where fish looks (Debian:
# /usr/share/fish/vendor_completions.d), or into ~/.config/fish/config.fish:
#   CALLTRACE_COMPLETE=fish calltrace | source

function __calltrace_offers
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l offers (CALLTRACE_COMPLETE=fish calltrace -- $words "$current" 2>/dev/null)
    switch "$offers[1]"
        # What the shell itself does better: it knows how to quote them.
        case ':files'
            __fish_complete_path "$current"
        case ':folders'
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $offers
    end
end

complete --command calltrace --no-files --keep-order --arguments '(__calltrace_offers)'

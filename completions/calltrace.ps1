# PowerShell completion of calltrace(1). Put it into $PROFILE:
#   $env:CALLTRACE_COMPLETE = 'powershell'; calltrace | Out-String | Invoke-Expression
#   Remove-Item Env:\CALLTRACE_COMPLETE

Register-ArgumentCompleter -Native -CommandName calltrace -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # The words as they stand; nothing that was typed is evaluated.
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
            else { $_.Extent.Text }
        })

    $before = $env:CALLTRACE_COMPLETE
    $env:CALLTRACE_COMPLETE = 'powershell'
    try {
        # An empty word would be lost on the way: a slash stands before it.
        $offers = @(& calltrace -- @words "/$wordToComplete" 2>$null)
    } finally {
        $env:CALLTRACE_COMPLETE = $before
    }
    # Without any, PowerShell completes files and folders itself.
    $offers | Where-Object { $_ -and -not $_.StartsWith(':') } | ForEach-Object {
        $value, $help = $_.Split("`t", 2)
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
}

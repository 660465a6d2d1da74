/**
 * Each hands the typed words to `holdfast complete` as they are, and never to `eval`: a Tab must not run what stands in the
 * line. The answer is a word a line, with a tab and what it means; the line with a colon is for other scripts.
 */
const bash = `# holdfast completion for bash; put into ~/.bashrc: eval "$(holdfast completion bash)"
_holdfast() {
  local typed=\${COMP_LINE:0:COMP_POINT} current=\${COMP_WORDS[COMP_CWORD]} words word
  read -ra words <<< "$typed"
  case $typed in *[[:space:]]) words+=('') ;; esac
  # To bash, the = of --option=value is a word.
  [ "$current" = = ] && current=''
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    case $word in :*) ;; "$current"*) COMPREPLY+=("$word") ;; esac
  done < <(holdfast complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -F _holdfast holdfast
`

const zsh = `# holdfast completion for zsh; put into ~/.zshrc, below compinit: eval "$(holdfast completion zsh)"
_holdfast() {
  local line tab=$'\\t'
  local -a found
  for line in "\${(@f)$(holdfast complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    [[ $line == :* ]] || found+=("\${\${line//:/\\\\:}/$tab/:}")
  done
  [[ $PREFIX == -*=* ]] && compset -P '*='
  _describe holdfast found
}
compdef _holdfast holdfast
`

const fish = `# holdfast completion for fish; put into ~/.config/fish/completions/holdfast.fish
function __holdfast_words
  set -l current (commandline -ct)
  set -l option (string match -r -- '^-.*=' "$current")
  for line in (holdfast complete -- (commandline -opc)[2..-1] "$current" 2> /dev/null)
    string match -q -- ':*' $line; or echo "$option$line"
  end
end
complete -c holdfast -f -a '(__holdfast_words)'
`

export const completionScripts = { bash, zsh, fish }

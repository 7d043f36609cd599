if exists('g:loaded_vivace')
  finish
endif
let g:loaded_vivace = 1

command! VivaceToggle lua require('vivace').toggle()
command! VivaceStatus lua require('vivace').status()

# Copies the file of TARGET's planted bug to OUT, with the bug in it. A pattern that has lost its
# place in the file is an error: nothing would be planted.
file(READ ${CMAKE_CURRENT_LIST_DIR}/targets.json table)
foreach(key file pattern becomes)
  string(JSON ${key} GET "${table}" ${TARGET} planted ${key})
endforeach()
file(READ ${ROOT}/${file} source)
string(REPLACE "${pattern}" "${becomes}" mutant "${source}")
if(mutant STREQUAL source)
  message(FATAL_ERROR "'${pattern}' is not in ${file}: there is nothing to plant for ${TARGET}")
endif()
file(WRITE ${OUT} "${mutant}")

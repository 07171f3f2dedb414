# Writes FOLDER/manifest.json: the SHA-256 of each library of BLOCKS that stands there. A server
# runs these inside, and all others in processes of their own, unless it is told otherwise.
set(entries "")
foreach(block IN LISTS BLOCKS)
  file(SHA256 "${FOLDER}/${block}.so" digest)
  list(APPEND entries "  \"${block}.so\": \"${digest}\"")
endforeach()
list(JOIN entries ",\n" entries)
file(WRITE "${FOLDER}/manifest.json" "{\n${entries}\n}\n")

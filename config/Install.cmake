# Installs the service and its configuration as they suit the prefix that is installed to. BINDIR is
# where the programs are, relative to it.
get_filename_component(prefix "${CMAKE_INSTALL_PREFIX}" ABSOLUTE)
set(root "$ENV{DESTDIR}")
# Of what is the system's own the configuration is in /etc, where the server looks for it.
if(prefix MATCHES "^/usr(/local)?$")
  set(folder /etc/pombo)
else()
  set(folder ${prefix}/etc/pombo)
endif()
set(POMBO_BINARY ${prefix}/${BINDIR}/pombo)
set(POMBO_CONFIG ${folder}/pombo.yaml)
set(POMBO_KEY ${folder}/master.key)
configure_file(${CMAKE_CURRENT_LIST_DIR}/pombo.service.in
  ${root}${prefix}/lib/systemd/system/pombo.service @ONLY)

# In the file of an installation, for the command line: where the service has its database and key.
macro(place line with)
  string(FIND "${yaml}" "${line}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "config/pombo.yaml has no line '${line}'")
  endif()
  string(REPLACE "${line}" "${with}" yaml "${yaml}")
endmacro()

# The operator's own is kept.
if(NOT EXISTS ${root}${POMBO_CONFIG})
  file(READ ${CMAKE_CURRENT_LIST_DIR}/pombo.yaml yaml)
  place("database: sqlite:pombo.db" "database: sqlite:/var/lib/pombo/pombo.db")
  place("keyFile: \"\"" "keyFile: ${POMBO_KEY}")
  file(WRITE ${root}${POMBO_CONFIG} "${yaml}")
  file(CHMOD ${root}${POMBO_CONFIG} PERMISSIONS OWNER_READ OWNER_WRITE)
endif()

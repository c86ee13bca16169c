# Provides the target carquet::carquet: the Parquet library (pure C11, MIT),
# used by src/io/parquet.c alone. In this order:
#   1. MILLIBAR_CARQUET_BUILD, another build folder of this project: its library is
#      linked as it is (builds that differ in the compiler of our own code only);
#   2. find_package(carquet), an installed one;
#   3. MILLIBAR_CARQUET_SDIST, a source archive given by path (offline builds);
#   4. `pip download` of the pinned source archive.
# An archive is checked against the pinned SHA-256 before it is unpacked.
set(MILLIBAR_CARQUET_SDIST "" CACHE FILEPATH "carquet source archive, for builds without a network")
set(MILLIBAR_CARQUET_BUILD "" CACHE PATH "build folder of millibar whose carquet is linked")
set(CARQUET_VERSION 0.7.2)
set(CARQUET_SHA256 5d57c00217906e672fe8b569d8a24c6cbd6d1ab7736d56057e9b884f1a043e7d)

find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)

if(MILLIBAR_CARQUET_BUILD)
  add_library(carquet::carquet STATIC IMPORTED)
  set_target_properties(carquet::carquet PROPERTIES
    IMPORTED_LOCATION "${MILLIBAR_CARQUET_BUILD}/_deps/carquet-build/libcarquet.a"
    INTERFACE_INCLUDE_DIRECTORIES
    "${MILLIBAR_CARQUET_BUILD}/_deps/carquet-${CARQUET_VERSION}/native/include")
  return()
endif()
find_package(carquet ${CARQUET_VERSION} EXACT QUIET)
if(carquet_FOUND)
  message(STATUS "carquet: installed ${carquet_VERSION}")
  return()
endif()

set(_archive "${MILLIBAR_CARQUET_SDIST}")
if(NOT _archive)
  set(_archive "${CMAKE_BINARY_DIR}/_deps/carquet-${CARQUET_VERSION}.tar.gz")
  if(NOT EXISTS "${_archive}")
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    message(STATUS "carquet: downloading ${CARQUET_VERSION}")
    # An isolated wheel build hides pip behind PYTHONPATH.
    execute_process(
      COMMAND ${CMAKE_COMMAND} -E env --unset=PYTHONPATH
              ${Python3_EXECUTABLE} -m pip download --quiet --no-deps --no-binary carquet
              --dest "${CMAKE_BINARY_DIR}/_deps" carquet==${CARQUET_VERSION}
      RESULT_VARIABLE _rc ERROR_VARIABLE _err)
    if(NOT _rc EQUAL 0)
      message(FATAL_ERROR "carquet ${CARQUET_VERSION} could not be downloaded; give its source "
                          "archive with -DMILLIBAR_CARQUET_SDIST=FILE\n${_err}")
    endif()
  endif()
endif()
file(SHA256 "${_archive}" _sha)
if(NOT _sha STREQUAL CARQUET_SHA256)
  message(FATAL_ERROR "carquet: ${_archive} has SHA-256 ${_sha}, not ${CARQUET_SHA256}")
endif()
set(_root "${CMAKE_BINARY_DIR}/_deps/carquet-${CARQUET_VERSION}")
if(NOT EXISTS "${_root}/native/CMakeLists.txt")
  file(ARCHIVE_EXTRACT INPUT "${_archive}" DESTINATION "${CMAKE_BINARY_DIR}/_deps")
endif()

# Gives functions of a source file of carquet's other names, old=new each, and adds the file
# beside this one that has them instead.
function(millibar_replace_in_carquet source ours)
  set_source_files_properties("${source}" TARGET_DIRECTORY carquet PROPERTIES
    COMPILE_DEFINITIONS "${ARGN}")
  target_sources(carquet PRIVATE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${ours}")
endfunction()

# Static, position-independent, hidden; no OpenMP (slower under load), no
# brotli, no network, no link-time optimization, the system's zstd and lz4.
# A function, so that its settings stay its own.
function(millibar_add_carquet root)
  set(BUILD_SHARED_LIBS OFF)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(CMAKE_C_VISIBILITY_PRESET hidden)
  set(CMAKE_C_EXTENSIONS ON)
  set(CMAKE_DISABLE_FIND_PACKAGE_OpenMP ON)
  set(FETCHCONTENT_FULLY_DISCONNECTED ON)
  set(CARQUET_ZSTD_TARGET PkgConfig::ZSTD CACHE STRING "" FORCE)
  set(CARQUET_LZ4_TARGET PkgConfig::LZ4 CACHE STRING "" FORCE)
  set(CARQUET_ENABLE_BROTLI OFF CACHE BOOL "" FORCE)
  set(CARQUET_BUILD_CLI OFF CACHE BOOL "" FORCE)
  set(CARQUET_BUILD_SHARED OFF CACHE BOOL "" FORCE)
  add_subdirectory("${root}/native" "${CMAKE_BINARY_DIR}/_deps/carquet-build" EXCLUDE_FROM_ALL)
  # Its SIMD code loads unaligned vectors through plain pointers, which x86 and ARM allow.
  target_compile_options(carquet PRIVATE -w -fno-lto -fno-sanitize=alignment)
  target_include_directories(carquet SYSTEM INTERFACE "${root}/native/include")
  # Functions of it in our own form, which are several times as fast; the same results.
  millibar_replace_in_carquet("${root}/native/src/encoding/rle.c" carquet_rle.c
    carquet_rle_decode_all=carquet_rle_decode_all_by_value)
  millibar_replace_in_carquet("${root}/native/src/compression/snappy.c" carquet_snappy.c
    carquet_snappy_decompress=carquet_snappy_decompress_exact
    carquet_snappy_decompress_diag=carquet_snappy_decompress_diag_exact)
  millibar_replace_in_carquet("${root}/native/src/reader/page_reader.c" carquet_page.c
    carquet_read_next_page=carquet_read_next_page_by_copy)
  millibar_replace_in_carquet("${root}/native/src/util/crc32.c" carquet_crc32.c
    carquet_crc32=carquet_crc32_by_zlib carquet_crc32_update=carquet_crc32_update_by_zlib)
  target_sources(carquet PRIVATE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/carquet_delta.c")
  if(NOT TARGET carquet::carquet)
    add_library(carquet::carquet ALIAS carquet)
  endif()
endfunction()
millibar_add_carquet("${_root}")

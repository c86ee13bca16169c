/* version.c - the library's version string. */
#include <millibar/base.h>

#define TEXT(x) #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *mbar_version(void)
{
    return VERSION(MBAR_VERSION_MAJOR, MBAR_VERSION_MINOR, MBAR_VERSION_PATCH);
}

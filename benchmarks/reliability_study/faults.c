/* Failures of the n-th call of the file system below a folder, for LD_PRELOAD.
 *
 * reliability_arm(folder, n, error) begins to count in this process; error 0 counts only, -1 ends
 * the process by SIGKILL. reliability_count() is the number of calls, reliability_call() the one
 * that failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char watched[PATH_MAX];
static char failed[PATH_MAX + 64];
static long wanted;
static int error_number;
static atomic_long count;
static int armed;

void reliability_arm(const char *folder, long n, int error) {
    snprintf(watched, sizeof watched, "%s", folder);
    wanted = n;
    error_number = error;
    failed[0] = 0;
    atomic_store(&count, 0);
    armed = 1;
}

long reliability_count(void) { return atomic_load(&count); }
const char *reliability_call(void) { return failed; }

static int below(const char *path) {
    char whole[PATH_MAX];
    if (!path) return 0;
    if (path[0] != '/') {
        size_t length;
        if (!getcwd(whole, sizeof whole)) return 0;
        length = strlen(whole);
        snprintf(whole + length, sizeof whole - length, "/%s", path);
        path = whole;
    }
    return strncmp(path, watched, strlen(watched)) == 0;
}

/* Whether this call is to fail; errno is set then. */
static int strikes(const char *call, const char *path) {
    if (!armed || !below(path)) return 0;
    if (atomic_fetch_add(&count, 1) + 1 != wanted || !error_number) return 0;
    snprintf(failed, sizeof failed, "%s %s", call, path);
    if (error_number < 0) kill(getpid(), SIGKILL);
    errno = error_number;
    return 1;
}

static int strikes_open_file(const char *call, int descriptor) {
    char link[64], path[PATH_MAX];
    ssize_t length;
    if (!armed) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strikes(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                          \
        static __typeof__(&name) real;                                    \
        va_list more;                                                     \
        va_start(more, flags);                                            \
        int mode = va_arg(more, int);                                     \
        va_end(more);                                                     \
        if (!real) real = REAL(name);                                     \
        return strikes("open", path) ? -1 : real(path, flags, mode);      \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                              \
    int name(int folder, const char *path, int flags, ...) {                      \
        static __typeof__(&name) real;                                            \
        va_list more;                                                             \
        va_start(more, flags);                                                    \
        int mode = va_arg(more, int);                                             \
        va_end(more);                                                             \
        if (!real) real = REAL(name);                                             \
        return strikes("openat", path) ? -1 : real(folder, path, flags, mode);    \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                       \
    FILE *name(const char *path, const char *mode) {                      \
        static __typeof__(&name) real;                                    \
        if (!real) real = REAL(name);                                     \
        return strikes("fopen", path) ? NULL : real(path, mode);          \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define WITH_PATH(name, parameters, arguments, path)                      \
    int name parameters {                                                 \
        static __typeof__(&name) real;                                    \
        if (!real) real = REAL(name);                                     \
        return strikes(#name, path) ? -1 : real arguments;                \
    }
WITH_PATH(mkdir, (const char *path, mode_t mode), (path, mode), path)
WITH_PATH(rename, (const char *from, const char *to), (from, to), to)
WITH_PATH(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), to)
WITH_PATH(unlink, (const char *path), (path), path)
WITH_PATH(rmdir, (const char *path), (path), path)

#define OF_FILE(result, name, parameters, arguments)                      \
    result name parameters {                                              \
        static __typeof__(&name) real;                                    \
        if (!real) real = REAL(name);                                     \
        return strikes_open_file(#name, file) ? -1 : real arguments;      \
    }
OF_FILE(ssize_t, write, (int file, const void *data, size_t size), (file, data, size))
OF_FILE(ssize_t, writev, (int file, const struct iovec *parts, int n), (file, parts, n))
OF_FILE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
OF_FILE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
OF_FILE(int, fsync, (int file), (file))
OF_FILE(int, fdatasync, (int file), (file))
OF_FILE(int, ftruncate, (int file, off_t size), (file, size))
OF_FILE(int, ftruncate64, (int file, off64_t size), (file, size))

size_t fwrite(const void *data, size_t size, size_t n, FILE *stream) {
    static __typeof__(&fwrite) real;
    if (!real) real = REAL(fwrite);
    return armed && strikes_open_file("fwrite", fileno(stream)) ? 0 : real(data, size, n, stream);
}

int fclose(FILE *stream) {
    static __typeof__(&fclose) real;
    if (!real) real = REAL(fclose);
    if (armed && strikes_open_file("fclose", fileno(stream))) {
        int kept = errno;
        real(stream);
        errno = kept;
        return EOF;
    }
    return real(stream);
}

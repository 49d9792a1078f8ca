/*
 * A disk that remembers what was done to it, fails when told to, and ends the process at a chosen call.
 *
 * Loaded by LD_PRELOAD in front of `weir serve`; `disk.rs` is its other half. Three environment variables:
 *   WEIR_DISK_ROOT     only files below this folder are watched (absolute, links resolved)
 *   WEIR_DISK_JOURNAL  every change of them is appended here, in the order in which it happened
 *   WEIR_DISK_CONTROL  a mapped file with the rules that are in force now
 *
 * Programs that enter the kernel without libc pass by; a test compares the journal with the folder to notice.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { CALL_WRITE = 1, CALL_SYNC = 2, CALL_SEND = 3, CALL_ANSWER = 4 };
enum action { FAIL = 1, KILL_BEFORE = 2, KILL_AFTER = 3, LIE = 4 };

/* As `Rule` in disk.rs writes it. */
struct rule {
    uint32_t call, action, error;
    uint32_t skip; /* matching calls that are let through first */
    uint32_t hits;
    char match[108]; /* end of a path; of CALL_SEND, CALL_ANSWER: a part of what is sent */
};
#define RULES 4

struct record {
    uint64_t inode, first, second;
    uint32_t kind, path_length, data_length, reserved;
};

#define FILES 65536
static struct { uint64_t inode; char *path; } files[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule *rules;
static char root[PATH_MAX];
static size_t root_length;
static int journal = -1;
static uint64_t journal_length;
static int awaits_answer = -1; /* the connection on which a CALL_ANSWER's words were sent */

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void append(const void *bytes, size_t length) {
    while (length > 0) {
        ssize_t done = syscall(SYS_write, journal, bytes, length);
        if (done <= 0) abort();
        bytes = (const char *)bytes + done;
        length -= (size_t)done;
        journal_length += (size_t)done;
    }
}

static void note(uint32_t kind, uint64_t inode, uint64_t first, uint64_t second, const char *path, const void *data, size_t length) {
    if (journal < 0) return;
    /* Paths lie below the root; the root itself is the empty path. */
    const char *below = path && strlen(path) > root_length ? path + root_length + 1 : "";
    struct record record = { inode, first, second, kind, (uint32_t)strlen(below), (uint32_t)length, 0 };
    append(&record, sizeof record);
    append(below, record.path_length);
    append(data, length);
}

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("WEIR_DISK_ROOT"), *log = getenv("WEIR_DISK_JOURNAL"), *control = getenv("WEIR_DISK_CONTROL");
    if (!folder || !control) return;
    snprintf(root, sizeof root, "%s", folder);
    int file = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDWR | O_CLOEXEC, 0);
    rules = mmap(NULL, sizeof(struct rule) * RULES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (rules == MAP_FAILED) abort();
    syscall(SYS_close, file);
    if (log) {
        journal = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        journal_length = (uint64_t)lseek(journal, 0, SEEK_END);
        struct stat found;
        if (journal < 0 || stat(root, &found)) abort();
        root_length = strlen(root);
        note('D', found.st_ino, 0, 0, NULL, NULL, 0);
    }
    root_length = strlen(root);
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* The rule that is in force for this call, if any; `is_hit` says whether the text is the one it waits for. */
static struct rule *rule_of(enum call call, int (*is_hit)(const char *match, const void *text, size_t length), const void *text, size_t length) {
    for (int at = 0; rules && at < RULES; at++) {
        struct rule *rule = &rules[at];
        if (__atomic_load_n(&rule->call, __ATOMIC_ACQUIRE) != call || !is_hit(rule->match, text, length)) continue;
        rule->hits++;
        if (rule->skip > 0) { rule->skip--; continue; }
        return rule;
    }
    return NULL;
}

static int ends(const char *match, const void *text, size_t length) {
    size_t wanted = strlen(match);
    return wanted <= length && memcmp((const char *)text + length - wanted, match, wanted) == 0;
}

static int contains(const char *match, const void *text, size_t length) {
    return memmem(text, length, match, strlen(match)) != NULL;
}

static struct rule *rule_of_file(enum call call, int fd) {
    return rule_of(call, ends, files[fd].path, strlen(files[fd].path));
}

static int is_action(const struct rule *rule, enum action action) { return rule && rule->action == action; }

static int is_watched(int fd) { return rules && fd >= 0 && fd < FILES && files[fd].inode != 0; }

/* Where the path leads; false where that is not below the root. */
static int is_below_root(int folder, const char *path, char *full) {
    if (!rules || !path) return 0;
    char start[PATH_MAX] = "";
    int held, skipped = 0;
    /* A path below a folder that is held open. */
    if (sscanf(path, "/proc/self/fd/%d/%n", &held, &skipped) == 1 && skipped > 0) {
        folder = held;
        path += skipped;
    }
    if (path[0] != '/') {
        char link[64];
        if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, start, sizeof start - 2);
        if (length < 0) return 0;
        start[length] = '/';
        start[length + 1] = 0;
    }
    if ((size_t)snprintf(full, PATH_MAX, "%s%s", start, path) >= PATH_MAX) return 0;
    size_t length = strlen(full);
    while (length > 1 && full[length - 1] == '/') full[--length] = 0;
    return strncmp(full, root, root_length) == 0 && (full[root_length] == '/' || full[root_length] == 0);
}

static void watch(int fd, const char *path) {
    struct stat found;
    if (fd >= FILES || fstat(fd, &found)) abort();
    files[fd].inode = found.st_ino;
    free(files[fd].path);
    files[fd].path = strdup(path);
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!is_below_root(folder, path, full)) return REAL(openat64)(folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before;
    int is_new = stat(full, &before) != 0;
    int fd = REAL(openat64)(folder, path, flags, mode);
    if (fd >= 0) {
        watch(fd, full);
        if (is_new) note('C', files[fd].inode, 0, 0, full, NULL, 0);
        else if (flags & O_TRUNC) note('T', files[fd].inode, 0, 0, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return opened(folder, path, flags, mode); }

int close(int fd) {
    if (!is_watched(fd)) return REAL(close)(fd);
    pthread_mutex_lock(&lock);
    files[fd].inode = 0;
    int done = REAL(close)(fd);
    pthread_mutex_unlock(&lock);
    return done;
}

static ssize_t written(int fd, const void *bytes, size_t length, off64_t offset, int is_placed) {
    pthread_mutex_lock(&lock);
    struct rule *rule = rule_of_file(CALL_WRITE, fd);
    if (is_action(rule, KILL_BEFORE)) die();
    ssize_t done = -1;
    int error = 0;
    if (is_action(rule, FAIL)) {
        error = (int)rule->error;
    } else {
        if (!is_placed) offset = lseek64(fd, 0, SEEK_CUR);
        done = is_placed ? REAL(pwrite64)(fd, bytes, length, offset) : REAL(write)(fd, bytes, length);
        error = errno;
        if (done > 0) note('W', files[fd].inode, (uint64_t)offset, 0, NULL, bytes, (size_t)done);
    }
    if (is_action(rule, KILL_AFTER)) die();
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return is_watched(fd) ? written(fd, bytes, length, 0, 0) : REAL(write)(fd, bytes, length);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return is_watched(fd) ? written(fd, bytes, length, offset, 1) : REAL(pwrite)(fd, bytes, length, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    return is_watched(fd) ? written(fd, bytes, length, offset, 1) : REAL(pwrite64)(fd, bytes, length, offset);
}
/* A short write is allowed: the caller comes back with the rest. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_watched(fd)) return REAL(writev)(fd, parts, count);
    return count > 0 ? written(fd, parts[0].iov_base, parts[0].iov_len, 0, 0) : 0;
}

static int shortened(int fd, off64_t length) {
    if (!is_watched(fd)) return REAL(ftruncate64)(fd, length);
    pthread_mutex_lock(&lock);
    int done = REAL(ftruncate64)(fd, length);
    if (done == 0) note('T', files[fd].inode, (uint64_t)length, 0, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}
int ftruncate(int fd, off_t length) { return shortened(fd, length); }
int ftruncate64(int fd, off64_t length) { return shortened(fd, length); }

/* Others may write while a flush is under way, so it covers only what was there when it began. */
static int flushed(int fd, int (*flush)(int)) {
    pthread_mutex_lock(&lock);
    struct rule *rule = rule_of_file(CALL_SYNC, fd);
    if (is_action(rule, KILL_BEFORE)) die();
    uint64_t inode = files[fd].inode, began = journal_length;
    int lies = is_action(rule, LIE), error = is_action(rule, FAIL) ? (int)rule->error : 0;
    int ends_here = is_action(rule, KILL_AFTER);
    pthread_mutex_unlock(&lock);
    if (lies) return 0;
    if (!error && flush(fd)) error = errno;
    pthread_mutex_lock(&lock);
    note('S', inode, began, (uint64_t)error, NULL, NULL, 0);
    if (ends_here) die();
    pthread_mutex_unlock(&lock);
    errno = error;
    return error ? -1 : 0;
}
int fsync(int fd) { return is_watched(fd) ? flushed(fd, REAL(fsync)) : REAL(fsync)(fd); }
int fdatasync(int fd) { return is_watched(fd) ? flushed(fd, REAL(fdatasync)) : REAL(fdatasync)(fd); }

static int removed(int folder, const char *path, int flags) {
    char full[PATH_MAX];
    if (!is_below_root(folder, path, full)) return REAL(unlinkat)(folder, path, flags);
    pthread_mutex_lock(&lock);
    int done = REAL(unlinkat)(folder, path, flags);
    if (done == 0) note('U', 0, 0, 0, full, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}
int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char *path, int flags) { return removed(folder, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode) {
    char full[PATH_MAX];
    if (!is_below_root(AT_FDCWD, path, full)) return REAL(mkdir)(path, mode);
    pthread_mutex_lock(&lock);
    int done = REAL(mkdir)(path, mode);
    struct stat made;
    if (done == 0 && stat(full, &made) == 0) note('D', made.st_ino, 0, 0, full, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    struct rule *rule = rule_of(CALL_SEND, contains, bytes, length);
    if (is_action(rule, KILL_BEFORE)) die();
    ssize_t done = REAL(send)(fd, bytes, length, flags);
    if (is_action(rule, KILL_AFTER)) die();
    if (rule_of(CALL_ANSWER, contains, bytes, length)) awaits_answer = fd;
    return done;
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
    ssize_t done = REAL(recv)(fd, bytes, length, flags);
    if (done > 0 && fd == awaits_answer) die();
    return done;
}

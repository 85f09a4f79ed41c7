// What the system gives to a simulated thread: random bytes, the time, the disk.
//
// These functions take the place of the C library's in programs that link this crate. A thread that asked for nothing
// (see mod.rs) gets what the C library gives. Everything is kept by thread, so that simulations run side by side.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define FILES 256

struct synced_file {
    dev_t device;
    ino_t inode;
    uint64_t length;
};

static __thread int simulated;
static __thread uint64_t random_state;
static __thread uint64_t now_ms;
static __thread int disk_full;
static __thread uint64_t sync_fails_in;
static __thread int sync_failed;
static __thread int syncs_spared;
static __thread uint64_t refused_writes;
static __thread struct synced_file synced[FILES];
static __thread unsigned synced_count;

void diario_sim_begin(uint64_t seed) {
    simulated = 1;
    random_state = seed;
    now_ms = 0;
    disk_full = 0;
    sync_fails_in = 0;
    sync_failed = 0;
    syncs_spared = 0;
    refused_writes = 0;
    synced_count = 0;
}

void diario_sim_end(void) { simulated = 0; }
void diario_sim_set_time(uint64_t ms) { now_ms = ms; }
void diario_sim_set_disk_full(int full) { disk_full = full; }
uint64_t diario_sim_refused_writes(void) { return refused_writes; }
void diario_sim_spare_syncs(int spared) { syncs_spared = spared; }
void diario_sim_fail_sync_in(uint64_t syncs) { sync_fails_in = syncs; }

int diario_sim_take_sync_failed(void) {
    int failed = sync_failed;
    sync_failed = 0;
    return failed;
}

// How much of a file, from its beginning, is as it was synced last; the largest number if it never was.
uint64_t diario_sim_synced_length(uint64_t device, uint64_t inode) {
    for (unsigned i = 0; i < synced_count; i++)
        if (synced[i].device == (dev_t)device && synced[i].inode == (ino_t)inode) return synced[i].length;
    return UINT64_MAX;
}

// SplitMix64 (Steele, Lea, Flood 2014): the same bytes at every run, and no secret of anybody.
static void fill(uint8_t *out, size_t length) {
    while (length > 0) {
        random_state += 0x9e3779b97f4a7c15u;
        uint64_t z = random_state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        size_t n = length < 8 ? length : 8;
        for (size_t i = 0; i < n; i++) *out++ = (uint8_t)(z >> (8 * i));
        length -= n;
    }
}

typedef long (*syscall_fn)(long, ...);

static syscall_fn real_syscall(void) {
    static syscall_fn found;
    if (!found) found = (syscall_fn)dlsym(RTLD_NEXT, "syscall");
    return found;
}

ssize_t getrandom(void *out, size_t length, unsigned flags) {
    if (!simulated) return real_syscall()(SYS_getrandom, out, length, flags);
    fill(out, length);
    return (ssize_t)length;
}

long syscall(long number, ...) {
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_getrandom && simulated) {
        fill((uint8_t *)a[0], (size_t)a[1]);
        return a[1];
    }
    return real_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    if (simulated && now_ms && clock == CLOCK_REALTIME) {
        out->tv_sec = (time_t)(now_ms / 1000);
        out->tv_nsec = (long)(now_ms % 1000) * 1000000;
        return 0;
    }
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    return real(clock, out);
}

static int sync_file(int fd) {
    if (!syncs_spared && sync_fails_in > 0 && --sync_fails_in == 0) {
        sync_failed = 1;
        errno = EIO;
        return -1;
    }
    struct stat file;
    if (fstat(fd, &file) != 0) return -1;
    unsigned i = 0;
    while (i < synced_count && (synced[i].device != file.st_dev || synced[i].inode != file.st_ino)) i++;
    if (i == FILES) return 0;
    if (i == synced_count) synced_count++;
    synced[i] = (struct synced_file){file.st_dev, file.st_ino, (uint64_t)file.st_size};
    return 0;
}

int fsync(int fd) {
    if (simulated) return sync_file(fd);
    return (int)real_syscall()(SYS_fsync, fd);
}

int fdatasync(int fd) {
    if (simulated) return sync_file(fd);
    return (int)real_syscall()(SYS_fdatasync, fd);
}

// Whether a full disk refuses a write. If it does not, what is written over is not synced any more.
static int refuses(int fd, off64_t at) {
    struct stat file;
    if (!simulated || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return 0;
    if (disk_full) {
        refused_writes++;
        errno = ENOSPC;
        return 1;
    }
    for (unsigned i = 0; i < synced_count; i++)
        if (synced[i].device == file.st_dev && synced[i].inode == file.st_ino && (uint64_t)at < synced[i].length)
            synced[i].length = (uint64_t)at;
    return 0;
}

ssize_t write(int fd, const void *from, size_t length) {
    off64_t at = simulated ? lseek64(fd, 0, SEEK_CUR) : 0;
    return refuses(fd, at < 0 ? 0 : at) ? -1 : real_syscall()(SYS_write, fd, from, length);
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
    return refuses(fd, at) ? -1 : real_syscall()(SYS_pwrite64, fd, from, length, at);
}

ssize_t pwrite64(int fd, const void *from, size_t length, off64_t at) {
    return refuses(fd, at) ? -1 : real_syscall()(SYS_pwrite64, fd, from, length, at);
}

/* Preloaded into a program, this sets its clock: the wall is off by the number of seconds at the beginning of the file that
   SET_CLOCK names, whenever that changes. Clocks that nobody can set stay as they are. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t off(void)
{
    static volatile int64_t *shared;
    if (!shared) {
        const char *path = getenv("SET_CLOCK");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *place = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
        static int64_t none;
        if (file >= 0)
            close(file);
        shared = place == MAP_FAILED ? &none : place;
    }
    return *shared;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += off();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec wall;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &wall))
        return -1;
    now->tv_sec = wall.tv_sec;
    now->tv_usec = wall.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place)
{
    struct timespec wall;
    if (clock_gettime(CLOCK_REALTIME, &wall))
        return -1;
    if (place)
        *place = wall.tv_sec;
    return wall.tv_sec;
}

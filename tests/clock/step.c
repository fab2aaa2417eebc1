// For LD_PRELOAD: a process sees a clock on the wall that is as many seconds off as the file FANSIPAN_CLOCK says, from one call to
// the next. The clock that time-outs are measured by is left alone, as by a real step. Waits until a time on the wall end when they
// would have. Debian's libfaketime does not see to that for cnd_timedwait, which librdkafka uses: after a step back its threads would
// never wait, after a step forward for as long as the step.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static atomic_long seconds;

static void *follow(void *path) {
  for (;;) {
    FILE *file = fopen(path, "r");
    long read = 0;
    if (file && fscanf(file, "%ld", &read) == 1) atomic_store(&seconds, read);
    if (file) fclose(file);
    usleep(100000);
  }
  return NULL;
}

__attribute__((constructor)) static void begin(void) {
  pthread_t thread;
  char *path = getenv("FANSIPAN_CLOCK");
  if (path && pthread_create(&thread, NULL, follow, path) == 0) pthread_detach(thread);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += atomic_load(&seconds);
  return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  struct timespec at;
  int failed = clock_gettime(CLOCK_REALTIME, &at);
  now->tv_sec = at.tv_sec;
  now->tv_usec = at.tv_nsec / 1000;
  return failed;
}

time_t time(time_t *into) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (into) *into = at.tv_sec;
  return at.tv_sec;
}

// The same instant on the real clock.
static struct timespec real(const struct timespec *until) {
  struct timespec at = *until;
  at.tv_sec -= atomic_load(&seconds);
  return at;
}

int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until) {
  static int (*next)(cnd_t *, mtx_t *, const struct timespec *);
  if (!next) next = (int (*)(cnd_t *, mtx_t *, const struct timespec *))dlsym(RTLD_NEXT, "cnd_timedwait");
  struct timespec at = real(until);
  return next(cond, mutex, &at);
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
  static int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  // without its version an older one is found, which knows another kind of condition
  if (!next) next = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  struct timespec at = real(until);
  return next(cond, mutex, &at);
}

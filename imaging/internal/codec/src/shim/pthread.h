// One thread only: a stand-in for the header that wasi-libc lacks.
#pragma once
#include <stddef.h>
typedef int pthread_t, pthread_mutex_t, pthread_cond_t, pthread_once_t, pthread_attr_t;
#define PTHREAD_MUTEX_INITIALIZER 0
#define PTHREAD_ONCE_INIT 0
#define none(name, ...) static inline int name(__VA_ARGS__) { return 0; }
none(pthread_attr_init, pthread_attr_t *a)
none(pthread_attr_destroy, pthread_attr_t *a)
none(pthread_attr_setstacksize, pthread_attr_t *a, size_t n)
none(pthread_mutex_init, pthread_mutex_t *m, const void *a)
none(pthread_mutex_destroy, pthread_mutex_t *m)
none(pthread_mutex_lock, pthread_mutex_t *m)
none(pthread_mutex_unlock, pthread_mutex_t *m)
none(pthread_cond_init, pthread_cond_t *c, const void *a)
none(pthread_cond_destroy, pthread_cond_t *c)
none(pthread_cond_signal, pthread_cond_t *c)
none(pthread_cond_broadcast, pthread_cond_t *c)
#undef none
static inline int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) { __builtin_trap(); }
static inline int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *v) { return 1; }
static inline int pthread_join(pthread_t t, void **r) { return 1; }
static inline int pthread_once(pthread_once_t *o, void (*f)(void)) {
  if (!*o) {
    *o = 1;
    f();
  }
  return 0;
}

// A machine whose clock is wrong, for one process: preloaded (LD_PRELOAD), it adds the seconds in
// CLOCK_SHIM_OFFSET_S (may be negative) to the wall clock. CLOCK_MONOTONIC and the kernel's own
// timers stay as they are.
//
// Besides reading the clock, what waits until a moment of the wall clock must be shifted back: the
// kernel knows the true time alone. Condition variables do not say which clock they were made for,
// so a moment counts as one of the wall clock if it lies after the year 2001; no machine has been
// up for so long.
//
// Not shifted: file times, timerfd and POSIX timers with absolute wall-clock times (nothing here
// uses them), and direct system calls other than through syscall(2).
#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

namespace {

constexpr time_t kFirstWallClockSecond = 1'000'000'000;

time_t Offset() {
  static const time_t offset = [] {
    const char* text = getenv("CLOCK_SHIM_OFFSET_S");
    return text == nullptr ? 0 : static_cast<time_t>(strtoll(text, nullptr, 10));
  }();
  return offset;
}

template <typename Function>
Function Next(const char* name, const char* version = nullptr) {
  void* found = version == nullptr ? dlsym(RTLD_NEXT, name) : dlvsym(RTLD_NEXT, name, version);
  if (found == nullptr) abort();
  return reinterpret_cast<Function>(found);
}

bool IsWallClock(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

// A moment of this process's wall clock as the kernel knows it; other clocks' moments unchanged.
timespec TrueMoment(const timespec& moment) {
  timespec shifted = moment;
  if (moment.tv_sec >= kFirstWallClockSecond) shifted.tv_sec -= Offset();
  return shifted;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  static const auto next = Next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int result = next(clock, out);
  if (result == 0 && IsWallClock(clock)) out->tv_sec += Offset();
  return result;
}

int gettimeofday(timeval* out, void* zone) noexcept {
  static const auto next = Next<int (*)(timeval*, void*)>("gettimeofday");
  const int result = next(out, zone);
  if (result == 0) out->tv_sec += Offset();
  return result;
}

time_t time(time_t* out) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(timespec* out, int base) noexcept {
  static const auto next = Next<int (*)(timespec*, int)>("timespec_get");
  const int result = next(out, base);
  if (result == TIME_UTC) out->tv_sec += Offset();
  return result;
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* left) {
  static const auto next =
      Next<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
  if (!IsWallClock(clock) || (flags & TIMER_ABSTIME) == 0) return next(clock, flags, request, left);
  const timespec moment = TrueMoment(*request);
  return next(clock, flags, &moment, left);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  static const auto next = Next<int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*)>(
      "pthread_cond_timedwait", "GLIBC_2.3.2");
  const timespec moment = TrueMoment(*until);
  return next(condition, mutex, &moment);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  static const auto next =
      Next<int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
          "pthread_cond_clockwait");
  const timespec moment = TrueMoment(*until);
  return next(condition, mutex, clock, &moment);
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) noexcept {
  static const auto next =
      Next<int (*)(pthread_mutex_t*, const timespec*)>("pthread_mutex_timedlock");
  const timespec moment = TrueMoment(*until);
  return next(mutex, &moment);
}

int sem_timedwait(sem_t* semaphore, const timespec* until) {
  static const auto next = Next<int (*)(sem_t*, const timespec*)>("sem_timedwait");
  const timespec moment = TrueMoment(*until);
  return next(semaphore, &moment);
}

// Abseil waits on futexes by the wall clock, and reads it so where it measures cycles.
long syscall(long number, ...) noexcept {
  static const auto next = Next<long (*)(long, ...)>("syscall");
  va_list arguments;
  va_start(arguments, number);
  long values[6];
  for (long& value : values) value = va_arg(arguments, long);
  va_end(arguments);
  const auto call = [&] {
    return next(number, values[0], values[1], values[2], values[3], values[4], values[5]);
  };
  if (number == SYS_clock_gettime) {
    return clock_gettime(static_cast<clockid_t>(values[0]), reinterpret_cast<timespec*>(values[1]));
  }
  constexpr int kAbsolute = FUTEX_WAIT_BITSET;
  const auto* until = reinterpret_cast<const timespec*>(values[3]);
  if (number == SYS_futex && (values[1] & FUTEX_CMD_MASK) == kAbsolute && until != nullptr) {
    const timespec moment = TrueMoment(*until);
    values[3] = reinterpret_cast<long>(&moment);
    return call();
  }
  return call();
}

}  // extern "C"

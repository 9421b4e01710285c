/*
 * How late a timer wakes a thread, as cyclictest measures it: absolute wakeups 1 ms apart, and for each the nanoseconds
 * by which it came too late, a line each. Arguments: how many; then, unless the caller has set them already, processor and
 * SCHED_FIFO priority. Memory is locked by the program itself, since no lock outlives an exec.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define INTERVAL 1000000L

int main(int count, char **arguments) {
	long rounds = count > 1 ? atol(arguments[1]) : 1000;
	long *late = calloc(rounds, sizeof *late);
	if (late == NULL) return 1;
	if (count > 3) {
		cpu_set_t processors;
		CPU_ZERO(&processors);
		CPU_SET(atoi(arguments[2]), &processors);
		struct sched_param priority = {.sched_priority = atoi(arguments[3])};
		if (sched_setaffinity(0, sizeof processors, &processors) < 0) return perror("sched_setaffinity"), 1;
		if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0) return perror("sched_setscheduler"), 1;
	}
	if (sched_getscheduler(0) != SCHED_FIFO) return fputs("not under SCHED_FIFO\n", stderr), 1;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0) return perror("mlockall"), 1;
	struct timespec next, now;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long round = 0; round < rounds; round++) {
		next.tv_nsec += INTERVAL;
		if (next.tv_nsec >= 1000000000L) next.tv_nsec -= 1000000000L, next.tv_sec++;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		late[round] = (now.tv_sec - next.tv_sec) * 1000000000L + now.tv_nsec - next.tv_nsec;
	}
	for (long round = 0; round < rounds; round++) printf("%ld\n", late[round]);
	return 0;
}

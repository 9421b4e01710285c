/* Asks libseccomp, for tests. Its standard input says what to do, a command a line; answers go to standard output.
 *
 *   resolve TOKEN NAME          -> the number as text
 *   profile ACTION OPTIMIZE     starts a profile; then
 *   arch TOKEN
 *   rule ACTION NAME N {INDEX OP A B}*N
 *   export                      -> "REFUSED COUNT NANOSECONDS\n", then COUNT instructions of 8 bytes
 *   load COUNT ROUNDS           followed by COUNT instructions -> "NANOSECONDS\n", the fastest of ROUNDS children that
 *                               installed it; "-ERRNO\n" if the kernel refuses it
 *
 * Numbers are decimal, OP is an enum scmp_compare. Rules are added as runc and crun add them: none with the default
 * action, and each condition on its own if two are about one argument. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "helper: %s\n", what);
	exit(1);
}

static void load(void)
{
	unsigned count, rounds;
	if (scanf("%u %u", &count, &rounds) != 2 || getchar() != '\n')
		fail("load");
	struct sock_filter *code = calloc(count + 1, sizeof(*code));
	if (fread(code, sizeof(*code), count, stdin) != count)
		fail("instructions");
	struct sock_fprog program = { .len = count, .filter = code };
	long long *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long best = 0;
	for (unsigned round = 0; round < rounds; round++) {
		*result = -EINTR;
		pid_t child = fork();
		if (child == 0) {
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			long long start = now();
			long failed = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
			int error = errno;
			/* The clock is read in user space, so no filter hears of it. */
			*result = failed ? -error : now() - start;
			_exit(0);
		}
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child)
			fail("child");
		if (*result < 0 || best == 0 || *result < best)
			best = *result;
		if (best < 0)
			break;
	}
	printf("%lld\n", best);
	free(code);
	munmap(result, sizeof(*result));
}

int main(void)
{
	scmp_filter_ctx filter = NULL;
	uint32_t default_action = 0;
	int refused = 0;
	long long start = 0;
	char command[16], name[80];
	while (scanf("%15s", command) == 1) {
		uint32_t token, action;
		unsigned count, optimize;
		switch (command[0] == 'r' ? command[1] : command[0]) {
		case 'e' : {
			if (command[0] == 'r') {
				if (scanf("%" SCNu32 " %79s", &token, name) != 2)
					fail("resolve");
				printf("%d\n", seccomp_syscall_resolve_name_arch(token, name));
				break;
			}
			int file = memfd_create("filter", 0);
			if (seccomp_export_bpf(filter, file) != 0)
				fail("export");
			long long took = now() - start;
			long length = lseek(file, 0, SEEK_END);
			char *code = malloc(length + 1);
			if (pread(file, code, length, 0) != length)
				fail("read");
			printf("%d %ld %lld\n", refused, length / 8, took);
			fwrite(code, 8, length / 8, stdout);
			free(code);
			close(file);
			seccomp_release(filter);
			filter = NULL;
			break;
		}
		case 'p':
			if (scanf("%" SCNu32 " %u", &default_action, &optimize) != 2)
				fail("profile");
			start = now();
			filter = seccomp_init(default_action);
			if (!filter)
				fail("init");
			if (optimize && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
				fail("optimize");
			refused = 0;
			break;
		case 'a':
			if (scanf("%" SCNu32, &token) != 1)
				fail("arch");
			int added = seccomp_arch_add(filter, token);
			if (added != 0 && added != -EEXIST)
				fail("arch_add");
			break;
		case 'u': {
			struct scmp_arg_cmp args[16];
			int uses[6] = { 0 }, twice = 0;
			if (scanf("%" SCNu32 " %79s %u", &action, name, &count) != 3 || count > 16)
				fail("rule");
			for (unsigned at = 0; at < count; at++) {
				unsigned index, op;
				uint64_t a, b;
				if (scanf("%u %u %" SCNu64 " %" SCNu64, &index, &op, &a, &b) != 4 || index > 5)
					fail("condition");
				args[at] = (struct scmp_arg_cmp){ .arg = index, .op = op, .datum_a = a, .datum_b = b };
				twice |= uses[index]++ > 0;
			}
			int number = seccomp_syscall_resolve_name(name);
			if (action == default_action || number == __NR_SCMP_ERROR)
				break;
			if (!twice)
				refused += seccomp_rule_add_array(filter, action, number, count, args) != 0;
			else
				for (unsigned at = 0; at < count; at++)
					refused += seccomp_rule_add_array(filter, action, number, 1, &args[at]) != 0;
			break;
		}
		case 'l':
			load();
			break;
		default:
			fail(command);
		}
		fflush(stdout);
	}
	return 0;
}

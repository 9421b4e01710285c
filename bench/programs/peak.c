/* Runs a command, and prints the most that one of its processes had in memory, in KiB. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
	if (count < 2) return 2;
	pid_t child = fork();
	if (child == 0) {
		dup2(open("/dev/null", O_RDWR), 1);
		execv(arguments[1], arguments + 1);
		_exit(127);
	}
	int status;
	struct rusage usage;
	if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0) return 1;
	printf("%ld\n", usage.ru_maxrss);
	return 0;
}

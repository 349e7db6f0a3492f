/*
 * measure: runs a command and says what it took, with all that it started and waited for.
 *
 *     measure REPORT COMMAND [ARGUMENT...]
 *
 * Writes "WALL CPU PEAK" to REPORT: seconds, seconds and KiB. Exits as the command does.
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	double begun = now(), wall;
	int status;
	pid_t pid;
	FILE *report;

	if (argc < 3 || posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ) != 0 ||
		wait4(pid, &status, 0, &usage) != pid) {
		fprintf(stderr, "measure: cannot run %s\n",
			argc < 3 ? "nothing" : argv[2]);
		return 127;
	}
	wall = now() - begun;
	report = fopen(argv[1], "w");
	if (!report ||
		fprintf(report, "%.6f %.6f %ld\n", wall,
			seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
			usage.ru_maxrss) < 0 ||
		fclose(report) != 0) {
		fprintf(stderr, "measure: cannot write %s\n", argv[1]);
		return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

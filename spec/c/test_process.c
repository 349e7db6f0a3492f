/* test_process: helpers that answer, that fail, that hang, and what they are given. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "process.h"
#include "test.h"

static struct hk_buf out, errors;
static struct hk_err err;
static int status;

static int run(const char *const *argv, const char *input, long timeout_ms, size_t max)
{
	struct hk_command c = {.argv = argv, .input = input,
		.input_len = input ? strlen(input) : 0, .timeout_ms = timeout_ms};

	hk_buf_free(&out);
	hk_buf_free(&errors);
	hk_buf_init_secret(&out, max);
	hk_buf_init(&errors, 100);
	memset(&err, 0, sizeof err);
	status = -1;
	return hk_process_run(&c, &out, &errors, &status, &err);
}

static int run_sh(const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return run(argv, NULL, 20000, 1000);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void gives_and_takes(void)
{
	const char *const argv[] = {"cat", NULL};

	CHECK(run(argv, "https://index.docker.io/v1/", 20000, 100) == HK_OK);
	CHECK(status == 0);
	CHECK_STR(out.data, "https://index.docker.io/v1/");
	CHECK(errors.len == 0);
	CHECK(run(argv, NULL, 20000, 100) == HK_OK);
	CHECK(status == 0 && out.len == 0);
}

static void tells_how_it_ended(void)
{
	CHECK(run_sh("echo out; echo why >&2; exit 3") == HK_OK);
	CHECK(status == 3);
	CHECK_STR(out.data, "out\n");
	CHECK_STR(errors.data, "why\n");
	CHECK(run_sh("kill -KILL $$") == HK_OK);
	CHECK(status == 128 + SIGKILL);
}

static void input_that_nobody_reads_is_no_harm(void)
{
	const char *const argv[] = {"true", NULL};
	char input[HK_PROCESS_INPUT + 2];

	memset(input, 'x', sizeof input);
	input[HK_PROCESS_INPUT] = '\0';
	CHECK(run(argv, input, 20000, 100) == HK_OK);
	CHECK(status == 0);
	input[HK_PROCESS_INPUT] = 'x';
	input[HK_PROCESS_INPUT + 1] = '\0';
	CHECK(run(argv, input, 20000, 100) == HK_EUSAGE);
}

static void output_has_a_limit(void)
{
	CHECK(run_sh("head -c 1000 /dev/zero") == HK_OK);
	CHECK(out.len == 1000);
	CHECK(run_sh("head -c 1001 /dev/zero") == HK_EPROTOCOL);
	CHECK(strstr(err.msg, "sh") && strstr(err.msg, "more than 1000 bytes"));
	CHECK(run_sh("while :; do echo endless; done") == HK_EPROTOCOL);
}

static void of_errors_the_first_are_kept(void)
{
	CHECK(run_sh("head -c 300000 /dev/zero >&2; echo done") == HK_OK);
	CHECK(errors.len == 100);
	CHECK_STR(out.data, "done\n");
}

static void ends_what_takes_too_long(void)
{
	const char *const quiet[] = {"sh", "-c", "sleep 1000", NULL};
	const char *const loud[] = {"sh", "-c", "while :; do echo x >&2; done", NULL};
	const char *const closed[] = {"sh", "-c", "exec sleep 1000 >&- 2>&-", NULL};
	const char *const deaf[] = {"sh", "-c", "trap '' TERM; sleep 1000; sleep 1000", NULL};
	const char *const *const all[] = {quiet, loud, closed, deaf};
	size_t i;

	for (i = 0; i < sizeof all / sizeof *all; i++) {
		long before = now_ms();

		CHECK(run(all[i], NULL, 200, 100) == HK_EIO);
		CHECK(strstr(err.msg, "took more than 0.2 seconds"));
		CHECK(now_ms() - before >= 200 && now_ms() - before < 10000);
	}
}

/* What it started is ended with it, and so makes no file later. */
static void ends_the_whole_group(void)
{
	char file[] = "/tmp/hocker-test-XXXXXX";
	char command[200];
	int fd = mkstemp(file);

	CHECK(fd >= 0);
	close(fd);
	CHECK(unlink(file) == 0);
	snprintf(command, sizeof command, "(sleep 0.4; echo late >%s) & sleep 1000", file);
	const char *const late[] = {"sh", "-c", command, NULL};
	CHECK(run(late, NULL, 100, 100) == HK_EIO);
	nanosleep(&(struct timespec){.tv_nsec = 800000000}, NULL);
	CHECK(access(file, F_OK) != 0);
}

static void does_not_wait_for_what_is_left(void)
{
	long before = now_ms();

	CHECK(run_sh("sleep 5 & echo started") == HK_OK);
	CHECK_STR(out.data, "started\n");
	CHECK(now_ms() - before < 4000);
}

static void an_interrupt_ends_it(void)
{
	const char *const argv[] = {"sleep", "1000", NULL};

	hk_interrupt(SIGINT);
	CHECK(run(argv, NULL, 20000, 100) == HK_EINTERRUPTED);
	CHECK(err.sys == SIGINT);
	hk_interrupt(0);
}

static void inherits_nothing(void)
{
	int fd = dup(1); /* without close-on-exec */
	sigset_t set, old;

	CHECK(fd > 2);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK(run_sh("grep ^SigBlk /proc/self/status; ls /proc/self/fd; kill -PIPE $$") == HK_OK);
	CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	close(fd);
	CHECK_STR(out.data, "SigBlk:\t0000000000000000\n0\n1\n2\n3\n"); /* 3: ls reads it */
	CHECK(status == 128 + SIGPIPE);
}

static void who_ignores_its_end_is_told_why_that_is_wrong(void)
{
	CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	CHECK(run_sh("echo out") == HK_EIO);
	CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	CHECK(strstr(err.msg, "sh has ended, but not how: this program ignores SIGCHLD"));
	CHECK(err.sys == ECHILD);
}

static void not_in_path(void)
{
	const char *const none[] = {"hocker-none", NULL};
	const char *const folder[] = {"/tmp", NULL};
	char *path = strdup(getenv("PATH"));

	CHECK(path && run(none, NULL, 1000, 100) == HK_EIO);
	CHECK(strstr(err.msg, "hocker-none is not installed"));
	CHECK(run(folder, NULL, 1000, 100) == HK_EIO);
	CHECK(strstr(err.msg, "starting /tmp: "));
	CHECK(chdir("/bin") == 0 && setenv("PATH", ":.:bin:", 1) == 0);
	CHECK(run((const char *const[]){"true", NULL}, NULL, 1000, 100) == HK_EIO);
	CHECK(unsetenv("PATH") == 0);
	CHECK(run((const char *const[]){"true", NULL}, NULL, 1000, 100) == HK_EIO);
	CHECK(setenv("PATH", path, 1) == 0);
	free(path);
}

int main(void)
{
	TEST(gives_and_takes);
	TEST(tells_how_it_ended);
	TEST(input_that_nobody_reads_is_no_harm);
	TEST(output_has_a_limit);
	TEST(of_errors_the_first_are_kept);
	TEST(ends_what_takes_too_long);
	TEST(ends_the_whole_group);
	TEST(does_not_wait_for_what_is_left);
	TEST(an_interrupt_ends_it);
	TEST(inherits_nothing);
	TEST(who_ignores_its_end_is_told_why_that_is_wrong);
	TEST(not_in_path);
	hk_buf_free(&out);
	hk_buf_free(&errors);
	return test_end();
}

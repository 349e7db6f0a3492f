/*
 * process: see the header.
 *
 * The end of the program is what counts, not the end of its output: a helper may start a
 * daemon that keeps the pipes. So the loop looks for both, every few milliseconds.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"

#define LOOK_MS 20 /* between looks whether the program has ended */
#define PIECE	4096
#define PIECES	32 /* taken at once: who writes without end must not keep us from the clock */

extern char **environ;

struct run {
	const char *name; /* argv[0], for messages */
	pid_t pid;	  /* the leader of its group; 0: not started, or its end was seen */
	int status;	  /* of waitpid, once it has ended */
	int ends[3][2];	  /* the pipes of its descriptors 0, 1, 2: [0] read, [1] write; -1 */
	struct hk_buf *out, *errors;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- the program's path ------------------------------------------------------------------- */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Looks into one folder of $PATH. A relative one would be below the working directory. */
static bool look_into(const char *folder, int len, const char *name, char path[PATH_MAX])
{
	int n;

	if (folder[0] != '/')
		return false;
	n = snprintf(path, PATH_MAX, "%.*s/%s", len, folder, name);
	return n > 0 && n < PATH_MAX && is_program(path);
}

static int find_program(const char *name, char path[PATH_MAX], struct hk_err *err)
{
	const char *folder = getenv("PATH");
	size_t len;

	if (strchr(name, '/')) {
		if (snprintf(path, PATH_MAX, "%s", name) < PATH_MAX)
			return HK_OK;
		return hk_err_sys(err, ENAMETOOLONG, "starting a program");
	}
	for (; folder && *folder; folder += len + (folder[len] == ':')) {
		len = strcspn(folder, ":");
		if (len < PATH_MAX && look_into(folder, (int)len, name, path))
			return HK_OK;
	}
	hk_err_set(err, HK_EIO, "%s is not installed: it is in no folder of PATH", name);
	if (err)
		err->sys = ENOENT;
	return HK_EIO;
}

/* --- pipes ---------------------------------------------------------------------------------- */

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_ends(struct run *r)
{
	int i;

	for (i = 0; i < 3; i++) {
		close_end(&r->ends[i][0]);
		close_end(&r->ends[i][1]);
	}
}

static int open_pipes(struct run *r, struct hk_err *err)
{
	int i;

	for (i = 0; i < 3; i++)
		if (pipe2(r->ends[i], O_CLOEXEC | (i > 0 ? O_NONBLOCK : 0)) != 0) {
			r->ends[i][0] = r->ends[i][1] = -1;
			return hk_err_sys(err, errno, "starting %s", r->name);
		}
	/* Non-blocking is for our ends only: a program does not expect it of its own. */
	for (i = 1; i < 3; i++)
		if (fcntl(r->ends[i][1], F_SETFL, 0) != 0)
			return hk_err_sys(err, errno, "starting %s", r->name);
	return HK_OK;
}

/* All of the input goes into the pipe, which we still hold both ends of. */
static int put_input(struct run *r, const struct hk_command *c, struct hk_err *err)
{
	ssize_t n = 0;

	if (c->input_len > HK_PROCESS_INPUT)
		return hk_err_set(err, HK_EUSAGE, "the input of a program has at most %d bytes",
			HK_PROCESS_INPUT);
	if (c->input_len > 0)
		do
			n = write(r->ends[0][1], c->input, c->input_len);
		while (n < 0 && errno == EINTR);
	if (n != (ssize_t)c->input_len)
		return hk_err_sys(err, n < 0 ? errno : EIO, "starting %s", r->name);
	close_end(&r->ends[0][1]);
	return HK_OK;
}

/* --- the start ------------------------------------------------------------------------------ */

/* The three descriptors, and no other, whatever some library forgot to mark. */
static int set_descriptors(posix_spawn_file_actions_t *actions, struct run *r)
{
	int rc = posix_spawn_file_actions_adddup2(actions, r->ends[0][0], 0);

	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, r->ends[1][1], 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, r->ends[2][1], 2);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
	return rc;
}

/* A group of its own, to end it as a whole, and signals as after login. */
static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	rc = posix_spawnattr_setflags(attr,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (rc == 0)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attr, &all);
	return rc == 0 ? posix_spawnattr_setsigmask(attr, &none) : rc;
}

static int spawn(struct run *r, const char *path, const char *const *argv)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc == 0) {
		rc = set_descriptors(&actions, r);
		if (rc == 0)
			rc = set_attributes(&attr);
		if (rc == 0)
			rc = posix_spawn(&r->pid, path, &actions, &attr, (char *const *)argv,
				environ);
		if (rc != 0)
			r->pid = 0;
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int start(struct run *r, const struct hk_command *c, struct hk_err *err)
{
	char path[PATH_MAX];
	int rc = find_program(r->name, path, err);

	if (rc == HK_OK)
		rc = open_pipes(r, err);
	if (rc == HK_OK)
		rc = put_input(r, c, err);
	if (rc != HK_OK)
		return rc;
	rc = spawn(r, path, c->argv);
	if (rc != 0)
		return hk_err_sys(err, rc, "starting %s", path);
	close_end(&r->ends[0][0]);
	close_end(&r->ends[1][1]);
	close_end(&r->ends[2][1]);
	return HK_OK;
}

/* --- while it runs ----------------------------------------------------------------------------- */

static int keep_output(struct run *r, const char *data, size_t len, struct hk_err *err)
{
	if (hk_buf_add(r->out, data, len, err) == HK_OK)
		return HK_OK;
	return err ? hk_err_wrap(err, "%s wrote", r->name) : HK_EPROTOCOL;
}

static int keep_errors(struct run *r, const char *data, size_t len, struct hk_err *err)
{
	size_t room = r->errors->max - r->errors->len;

	return hk_buf_add(r->errors, data, len < room ? len : room, err);
}

/* Takes what a pipe holds now; closes it at its end. */
static int take(struct run *r, int i, struct hk_err *err)
{
	char piece[PIECE];
	int rc = HK_OK, left;

	for (left = PIECES; left > 0 && rc == HK_OK && r->ends[i][0] >= 0; left--) {
		ssize_t n = read(r->ends[i][0], piece, sizeof piece);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		if (n <= 0)
			close_end(&r->ends[i][0]);
		else
			rc = i == 1 ? keep_output(r, piece, (size_t)n, err)
				    : keep_errors(r, piece, (size_t)n, err);
	}
	explicit_bzero(piece, sizeof piece);
	return rc;
}

static int take_all(struct run *r, struct hk_err *err)
{
	int rc = take(r, 1, err);

	return rc == HK_OK ? take(r, 2, err) : rc;
}

/* Sees its end, if that has come. */
static int look(struct run *r, struct hk_err *err)
{
	pid_t pid = waitpid(r->pid, &r->status, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return HK_OK;
	r->pid = 0;
	if (pid > 0)
		return HK_OK;
	return hk_err_sys(err, errno, "%s has ended, but not how: this program ignores SIGCHLD, or "
		"waits for whichever child ends", r->name);
}

static void wait_a_little(const struct run *r)
{
	struct pollfd fds[2];
	nfds_t n = 0;
	int i;

	for (i = 1; i < 3; i++)
		if (r->ends[i][0] >= 0)
			fds[n++] = (struct pollfd){.fd = r->ends[i][0], .events = POLLIN};
	(void)!poll(fds, n, LOOK_MS);
}

static int watch(struct run *r, long timeout_ms, struct hk_err *err)
{
	int64_t deadline = now_ms() + timeout_ms;
	int rc = HK_OK;

	while (rc == HK_OK) {
		rc = hk_interrupt_check(err);
		if (rc == HK_OK && now_ms() >= deadline)
			rc = hk_err_set(err, HK_EIO, "%s took more than %g seconds, and was ended",
				r->name, (double)timeout_ms / 1000);
		if (rc == HK_OK)
			rc = look(r, err);
		if (rc == HK_OK)
			rc = take_all(r, err); /* after the look: what came before the end is there */
		if (rc == HK_OK && r->pid == 0)
			break;
		if (rc == HK_OK)
			wait_a_little(r);
	}
	return rc;
}

/* Ends what still runs, with all that it started. */
static void end_group(struct run *r)
{
	if (r->pid <= 0)
		return;
	kill(-r->pid, SIGKILL);
	while (waitpid(r->pid, &r->status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
}

int hk_process_run(const struct hk_command *command, struct hk_buf *out, struct hk_buf *errors,
	int *status, struct hk_err *err)
{
	struct run r = {.name = command->argv[0], .out = out, .errors = errors,
		.ends = {{-1, -1}, {-1, -1}, {-1, -1}}};
	int rc = start(&r, command, err);

	if (rc == HK_OK)
		rc = watch(&r, command->timeout_ms, err);
	end_group(&r);
	close_ends(&r);
	if (rc == HK_OK)
		*status = WIFSIGNALED(r.status) ? 128 + WTERMSIG(r.status) : WEXITSTATUS(r.status);
	return rc;
}

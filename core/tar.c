/*
 * tar: where members lie while they are written, and where they belong in the end.
 *
 * A member has a slot in the archive as long as its declared size, and a scratch file for
 * what does not fit. Slots are in the order of declaration and never overlap, so the
 * sinks of different members share nothing but the descriptor, which only pwrite(2)
 * touches.
 *
 * At the end the real sizes give the real places, in the same order, and the bytes in the
 * slots move in two rounds: first those that go right, from the last to the first; then
 * those that go left, from the first to the last. So a move overwrites nothing but the
 * old places of members that its own round has moved before. What lies in scratch files
 * comes after both rounds, then headers, padding and the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "tar.h"
#include "ustar.h"

/* A slot that would end beyond this is not given: file systems have limits of the
 * kind, and a declared size is but a promise. The member goes to its scratch file as a
 * whole. */
#define REACH (INT64_C(1) << 42)

struct member {
	char *name;
	struct hk_tar_kind kind; /* its target is owned */
	int64_t slot;	  /* offset of its content while it is written */
	int64_t room;	  /* bytes that fit there */
	int64_t size;	  /* bytes it got so far */
	int64_t header;	  /* offset of its header in the finished archive */
	int64_t content;  /* and of its content */
	int scratch;	  /* what did not fit; -1 until needed */
	bool taken;	  /* its sink was given out */
	bool finished;	  /* and has finished */
};

struct hk_tar {
	unsigned refs;
	struct hk_file *file; /* held */
	int64_t end;	      /* of the last slot */
	size_t n, cap;
	struct member **members; /* each on its own, since threads hold on to them */
	struct hk_tar_kind next; /* of the member that is declared next; its target is owned */
	bool finished;
};

struct tar_sink {
	struct hk_sink base;
	struct hk_tar *tar; /* held */
	struct member *member;
};

/* --- members ------------------------------------------------------------------------ */

/* Their length, or an error. */
static int64_t headers_len(
	const struct hk_tar_kind *kind, const char *name, int64_t size, struct hk_err *err)
{
	struct hk_buf b;
	int64_t len;

	hk_buf_init(&b, HK_USTAR_HEADERS);
	len = hk_ustar_headers(&b, kind, name, size, err);
	if (len == HK_OK)
		len = (int64_t)b.len;
	hk_buf_free(&b);
	return len;
}

struct hk_tar *hk_tar_new(struct hk_file *file, struct hk_err *err)
{
	struct hk_tar *t;

	if (!file)
		return NULL;
	t = calloc(1, sizeof *t);
	if (!t) {
		hk_err_nomem(err);
		return NULL;
	}
	t->refs = 1;
	t->next = hk_ustar_plain;
	t->file = file;
	hk_file_ref(file);
	return t;
}

static void free_member(struct member *m)
{
	if (m->scratch >= 0)
		close(m->scratch);
	free((char *)m->kind.target);
	free(m->name);
	free(m);
}

void hk_tar_unref(struct hk_tar *t)
{
	if (!t || --t->refs > 0)
		return;
	for (size_t i = 0; i < t->n; i++)
		free_member(t->members[i]);
	free(t->members);
	free((char *)t->next.target);
	hk_file_unref(t->file);
	free(t);
}

static int grow(struct hk_tar *t, struct hk_err *err)
{
	size_t cap = t->cap > 0 ? 2 * t->cap : 8;
	struct member **members;

	if (t->n < t->cap)
		return HK_OK;
	members = realloc(t->members, cap * sizeof *members);
	if (!members)
		return hk_err_nomem(err);
	t->members = members;
	t->cap = cap;
	return HK_OK;
}

static int add_member(
	struct hk_tar *t, const char *name, int64_t size, struct hk_err *err)
{
	int64_t headers = headers_len(&t->next, name, size > 0 ? size : 0, err);
	struct member *m;

	if (headers < 0)
		return (int)headers;
	if (grow(t, err) != HK_OK)
		return HK_ENOMEM;
	m = calloc(1, sizeof *m);
	if (!m || !(m->name = strdup(name))) {
		free(m);
		return hk_err_nomem(err);
	}
	m->kind = t->next;
	t->next = hk_ustar_plain;
	m->scratch = -1;
	m->slot = t->end + headers;
	if (size > 0 && size < REACH - m->slot)
		m->room = size;
	t->end = m->slot + hk_ustar_padded(m->room);
	t->members[t->n++] = m;
	return HK_OK;
}

static bool is_target(const struct hk_tar_kind *kind)
{
	const char *target = kind->target;

	if (kind->type == '1')
		return target && hk_ustar_name(target);
	if (kind->type == '2')
		return target && *target && strlen(target) <= HK_USTAR_NAME;
	return !target;
}

int hk_tar_next(struct hk_tar *t, const struct hk_tar_kind *kind, struct hk_err *err)
{
	char *target = NULL;

	if (!strchr("0125", kind->type) || !kind->type)
		return hk_err_set(err, HK_EUSAGE, "a member can't be of type %d", kind->type);
	if (!is_target(kind))
		return hk_err_set(err, HK_EUSAGE, "\"%s\" can't be what a member leads to",
			kind->target ? kind->target : "");
	if (kind->target && !(target = strdup(kind->target)))
		return hk_err_nomem(err);
	free((char *)t->next.target);
	t->next = *kind;
	t->next.target = target;
	return HK_OK;
}

int hk_tar_add(struct hk_tar *t, const char *name, int64_t size, size_t *index,
	struct hk_err *err)
{
	struct hk_err e = {0};
	int rc;

	if (t->finished)
		rc = hk_err_set(&e, HK_EUSAGE, "%s: the archive is finished", name);
	else if (!hk_ustar_name(name))
		rc = hk_err_set(&e, HK_EUSAGE, "\"%s\" can't name a member", name);
	else if (t->next.type != '0' && size != 0)
		rc = hk_err_set(&e, HK_EUSAGE, "%s: only a file has content", name);
	else
		rc = add_member(t, name, size, &e);
	if (rc == HK_OK)
		*index = t->n - 1;
	else if (err)
		*err = e;
	return rc;
}

/* --- the sink ----------------------------------------------------------------------- */

static int spill(struct tar_sink *s, const char *p, size_t len, struct hk_err *err)
{
	struct member *m = s->member;

	if (m->scratch < 0)
		m->scratch = hk_file_scratch(s->tar->file, err);
	if (m->scratch < 0)
		return err->code;
	return hk_pwrite_all(
		m->scratch, p, len, m->size - m->room, hk_file_path(s->tar->file), err);
}

static int tar_write(struct hk_sink *s, const void *data, size_t len, struct hk_err *err)
{
	struct tar_sink *ts = (struct tar_sink *)s;
	struct member *m = ts->member;
	struct hk_file *f = ts->tar->file;
	uint64_t room = m->size < m->room ? (uint64_t)(m->room - m->size) : 0;
	size_t n = room < len ? (size_t)room : len;

	if (m->kind.type != '0' && len > 0)
		return hk_err_set(err, HK_EUSAGE, "%s: only a file has content", m->name);
	if (n > 0) {
		if (hk_pwrite_all(hk_file_fd(f), data, n, m->slot + m->size,
			    hk_file_path(f), err) != HK_OK)
			return err->code;
		m->size += (int64_t)n;
	}
	if (n == len)
		return HK_OK;
	if (spill(ts, (const char *)data + n, len - n, err) != HK_OK)
		return err->code;
	m->size += (int64_t)(len - n);
	return HK_OK;
}

static int tar_finish(struct hk_sink *s, struct hk_err *err)
{
	(void)err;
	((struct tar_sink *)s)->member->finished = true;
	return HK_OK;
}

/* What an unfinished sink wrote is no part of the member, which can be begun anew. */
static void tar_free(struct hk_sink *s)
{
	struct member *m = ((struct tar_sink *)s)->member;

	if (!m->finished) {
		m->size = 0;
		m->taken = false;
	}
	hk_tar_unref(((struct tar_sink *)s)->tar);
	free(s);
}

static const struct hk_sink_ops tar_ops = {
	.write = tar_write, .finish = tar_finish, .free = tar_free};

struct hk_sink *hk_tar_sink(struct hk_tar *t, size_t index, struct hk_err *err)
{
	struct tar_sink *s;

	if (!t)
		return NULL;
	if (index >= t->n || t->finished || t->members[index]->taken) {
		hk_err_set(err, HK_EUSAGE, "no sink for member %zu", index);
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s) {
		hk_err_nomem(err);
		return NULL;
	}
	hk_sink_init(&s->base, &tar_ops, NULL);
	s->tar = t;
	t->refs++;
	s->member = t->members[index];
	s->member->taken = true;
	return &s->base;
}

int hk_tar_put(struct hk_tar *t, const char *name, const void *data, size_t len,
	struct hk_err *err)
{
	struct hk_err e = {0};
	struct hk_sink *s = NULL;
	size_t index;
	int rc = hk_tar_add(t, name, (int64_t)len, &index, &e);

	if (rc == HK_OK) {
		s = hk_tar_sink(t, index, &e);
		rc = s ? hk_sink_write(s, data, len, &e) : e.code;
	}
	if (rc == HK_OK)
		rc = hk_sink_finish(s, &e);
	hk_sink_free(s);
	if (rc != HK_OK && err)
		*err = e;
	return rc;
}

/* --- the end ------------------------------------------------------------------------ */

/* A copy within one file, or into it from another. */
struct move {
	int from, to; /* descriptors */
	int64_t source, target;
	int64_t len;
	bool backwards; /* last block first: the target overlaps, to the right */
};

static int copy(const struct move *m, char *block, const char *name, struct hk_err *err)
{
	int64_t done = 0;

	while (done < m->len) {
		int64_t left = m->len - done;
		size_t n = left < HK_CHUNK ? (size_t)left : HK_CHUNK;
		int64_t at = m->backwards ? left - (int64_t)n : done;

		if (hk_interrupt_check(err) != HK_OK)
			return HK_EINTERRUPTED;
		if (hk_pread_all(m->from, block, n, m->source + at, name, err) != HK_OK)
			return err->code;
		if (hk_pwrite_all(m->to, block, n, m->target + at, name, err) != HK_OK)
			return err->code;
		done += (int64_t)n;
	}
	return HK_OK;
}

/* Bytes of a member that lie in its slot. */
static int64_t in_slot(const struct member *m)
{
	return m->size < m->room ? m->size : m->room;
}

static int move_member(
	struct hk_tar *t, const struct member *m, char *block, struct hk_err *err)
{
	int fd = hk_file_fd(t->file);
	struct move move = {
		.from = fd,
		.to = fd,
		.source = m->slot,
		.target = m->content,
		.len = in_slot(m),
		.backwards = m->content > m->slot,
	};

	return copy(&move, block, hk_file_path(t->file), err);
}

static int move_members(struct hk_tar *t, char *block, struct hk_err *err)
{
	int rc = HK_OK;

	for (size_t i = t->n; rc == HK_OK && i-- > 0;) {
		if (t->members[i]->content > t->members[i]->slot)
			rc = move_member(t, t->members[i], block, err);
	}
	for (size_t i = 0; rc == HK_OK && i < t->n; i++) {
		if (t->members[i]->content < t->members[i]->slot)
			rc = move_member(t, t->members[i], block, err);
	}
	return rc;
}

static int append_scratch(
	struct hk_tar *t, struct member *m, char *block, struct hk_err *err)
{
	struct move move = {
		.from = m->scratch,
		.to = hk_file_fd(t->file),
		.target = m->content + m->room,
		.len = m->size - m->room,
	};
	int rc;

	if (m->scratch < 0)
		return HK_OK;
	rc = copy(&move, block, hk_file_path(t->file), err);
	close(m->scratch); /* gives the space back before the next one is copied */
	m->scratch = -1;
	return rc;
}

/* Gives every member its final place; `end` is the offset behind the last one. */
static int lay_out(struct hk_tar *t, int64_t *end, struct hk_err *err)
{
	*end = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct member *m = t->members[i];
		int64_t headers = headers_len(&m->kind, m->name, m->size, err);

		if (headers < 0)
			return (int)headers;
		m->header = *end;
		m->content = m->header + headers;
		*end = m->content + hk_ustar_padded(m->size);
	}
	return HK_OK;
}

/* The headers of a member and the zeros behind its content. */
static int write_frame(struct hk_tar *t, const struct member *m, struct hk_err *err)
{
	static const char zeros[HK_USTAR_BLOCK];
	const char *name = hk_file_path(t->file);
	int fd = hk_file_fd(t->file);
	struct hk_buf b;
	int rc;

	hk_buf_init(&b, HK_USTAR_HEADERS);
	rc = hk_ustar_headers(&b, &m->kind, m->name, m->size, err);
	if (rc == HK_OK)
		rc = hk_pwrite_all(fd, b.data, b.len, m->header, name, err);
	hk_buf_free(&b);
	if (rc != HK_OK)
		return rc;
	return hk_pwrite_all(fd, zeros, (size_t)(hk_ustar_padded(m->size) - m->size),
		m->content + m->size, name, err);
}

static int write_end(struct hk_tar *t, int64_t end, struct hk_err *err)
{
	static const char zeros[2 * HK_USTAR_BLOCK];
	const char *name = hk_file_path(t->file);
	int fd = hk_file_fd(t->file);

	if (hk_pwrite_all(fd, zeros, sizeof zeros, end, name, err) != HK_OK)
		return err->code;
	if (ftruncate(fd, (off_t)(end + (int64_t)sizeof zeros)) != 0)
		return hk_err_sys(err, errno, "writing %s", name);
	return HK_OK;
}

static int assemble(struct hk_tar *t, char *block, struct hk_err *err)
{
	int64_t end;
	int rc = lay_out(t, &end, err);

	if (rc == HK_OK)
		rc = move_members(t, block, err);
	for (size_t i = 0; rc == HK_OK && i < t->n; i++)
		rc = append_scratch(t, t->members[i], block, err);
	for (size_t i = 0; rc == HK_OK && i < t->n; i++)
		rc = write_frame(t, t->members[i], err);
	return rc == HK_OK ? write_end(t, end, err) : rc;
}

static int check_members(const struct hk_tar *t, struct hk_err *err)
{
	if (t->finished)
		return hk_err_set(err, HK_EUSAGE, "the archive is finished");
	for (size_t i = 0; i < t->n; i++) {
		if (!t->members[i]->finished)
			return hk_err_set(err, HK_EUSAGE,
				"%s: its content is not all there", t->members[i]->name);
	}
	return HK_OK;
}

int hk_tar_finish(struct hk_tar *t, struct hk_err *err)
{
	struct hk_err e = {0};
	char *block = NULL;
	int rc = check_members(t, &e);

	if (rc == HK_OK) {
		t->finished = true; /* a second try would find members moved already */
		block = malloc(HK_CHUNK);
		rc = block ? assemble(t, block, &e) : hk_err_nomem(&e);
	}
	free(block);
	if (rc != HK_OK && err)
		*err = e;
	return rc;
}

/*
 * pool: see the header. A small block is cut off a chunk, and when it is given back it waits in the
 * list of its size for the next that is asked for. Larger ones are the C library's.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#define SMALL 0 /* it has to see each block */
#else
#define SMALL 512
#endif
#define UNIT  16 /* sizes are multiples of that, as addresses are */
#define CHUNK (32 * 1024)

struct block {
	struct block *next;
};

struct chunk {
	struct chunk *next;
	_Alignas(UNIT) char bytes[CHUNK];
};

struct pool {
	struct block *given_back[SMALL / UNIT + 1]; /* by their size in units */
	struct chunk *chunks; /* the youngest first */
	size_t cut; /* bytes of that one which are blocks */
};

struct pool *pool_new(void)
{
	struct pool *p = calloc(1, sizeof *p);

	if (p)
		p->cut = CHUNK;
	return p;
}

void pool_free(struct pool *p)
{
	struct chunk *c, *next;

	for (c = p ? p->chunks : NULL; c; c = next) {
		next = c->next;
		free(c);
	}
	free(p);
}

static size_t units(size_t size)
{
	return (size + UNIT - 1) / UNIT;
}

static int add_chunk(struct pool *p)
{
	struct chunk *c = malloc(sizeof *c);

	if (!c)
		return -1;
	c->next = p->chunks;
	p->chunks = c;
	p->cut = 0;
	return 0;
}

static void *take_small(struct pool *p, size_t n)
{
	struct block *b = p->given_back[n];

	if (b) {
		p->given_back[n] = b->next;
		return b;
	}
	if (n * UNIT > CHUNK - p->cut && add_chunk(p) != 0)
		return NULL;
	p->cut += n * UNIT;
	return p->chunks->bytes + p->cut - n * UNIT;
}

static void *take(struct pool *p, size_t size)
{
	return size <= SMALL ? take_small(p, units(size)) : malloc(size);
}

static void give_back(struct pool *p, void *old, size_t size)
{
	struct block *b = old;

	explicit_bzero(old, size);
	if (size > SMALL) {
		free(old);
		return;
	}
	b->next = p->given_back[units(size)];
	p->given_back[units(size)] = b;
}

void *pool_alloc(void *pool, void *old, size_t osize, size_t nsize)
{
	void *new = NULL;

	if (old && nsize > 0 && osize <= SMALL && units(nsize) == units(osize)) {
		if (nsize < osize)
			explicit_bzero((char *)old + nsize, osize - nsize);
		return old;
	}
	if (nsize > 0 && !(new = take(pool, nsize)))
		return old && nsize < osize ? old : NULL; /* Lua relies on it that less is always had */
	if (old && new)
		memcpy(new, old, osize < nsize ? osize : nsize);
	if (old)
		give_back(pool, old, osize);
	return new;
}

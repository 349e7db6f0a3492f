/*
 * pool: the memory of a Lua state of our own. Nearly all that Lua asks for is small, thousands of
 * blocks at a start, and it says the size of a block when it gives that back: so small ones need no
 * header, and no search. What is given back is wiped, for it may have been a secret.
 */
#ifndef HK_POOL_H
#define HK_POOL_H

#include <stddef.h>

struct pool;

struct pool *pool_new(void); /* NULL: out of memory */
void pool_free(struct pool *p); /* when the state is closed; all that is small goes. NULL is fine */

/* A lua_Alloc, with the pool first. */
void *pool_alloc(void *pool, void *old, size_t osize, size_t nsize);

#endif

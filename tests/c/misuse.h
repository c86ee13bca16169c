/*
 * misuse.h - what only a programmer can do wrong must stop at once, in every
 * build: each case runs in a child process, which must abort.
 *
 * Include after the cmocka headers.
 */
#ifndef MILLIBAR_TESTS_MISUSE_H
#define MILLIBAR_TESTS_MISUSE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct misuse_case {
    const char *name;
    void (*run)(void);
};

/* The case of a function, by its own name. */
#define MISUSE(f) \
    {             \
#f, f     \
    }

static inline void must_abort(const struct misuse_case *each)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        (void)!freopen("/dev/null", "w", stderr);
        each->run();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("%s: no abort, wait status %d", each->name, status);
}

#endif

#ifndef AWS_READFILE_H
#define AWS_READFILE_H

#include <stddef.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"

/*
 * Append a whole file to out, which sets the limit of its size. ERR_NOT_FOUND when it is not there,
 * ERR_LIMIT when it is larger than out takes, ERR_SYSTEM otherwise (err->sys says why). Follows
 * links and reads pipes: the paths are the operator's own.
 */
int aws_read_file(const char *path, struct buf *out, struct err *err) MUST_CHECK;

#endif

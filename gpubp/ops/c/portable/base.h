#include <math.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char bool8;

/* A product and a sum are rounded apart; gcc is told so by -std=c11 or -ffp-contract=off. */
#if !defined(__GNUC__) || defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

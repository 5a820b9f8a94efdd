/* SPDX-License-Identifier: MIT */
/*
 * The switch on aarch64, AAPCS64.
 *
 *     hawser__context *hawser__switch(hawser__context *from, hawser__context *to);
 *
 * Saves what a call must keep on the stack of FROM, stores the stack pointer in FROM (its first field), and goes on with TO.
 * Whoever goes on gets as result the context that was left, its FROM.
 *
 * What lies where the stack pointer of a suspended context points, lowest address first. tools/gdb/hawser-gdb.py reads it:
 *
 *      +0 x19   +8 x20   ... +72 x28   +80 x29   +88 x30 = where it goes on   +96 d8 ... +152 d15   +160 the stack before
 *
 * Not kept: the upper halves of v8 to v15 and the other vector registers, which calls may change, and the modes in FPCR, which
 * they may not (context.h).
 *
 * It ends in br, not in ret: a ret would go elsewhere than the processor foresaw from the calls made. Where branch targets are
 * guarded (BTI) that jump would be refused; there is no note that allows guarding, so the linker leaves it off.
 */
    .text

    .globl  hawser__switch
    .type   hawser__switch, %function
    .p2align 4
hawser__switch:
    .cfi_startproc
    hint    #34                 /* bti c */
    sub     sp, sp, #160
    .cfi_adjust_cfa_offset 160
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    mov     x9, sp
    str     x9, [x0]
    ldr     x9, [x1]
    mov     sp, x9              /* the same frame on another stack: what the unwinder was told still holds */
    ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #160
    .cfi_def_cfa_offset 0
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore x29
    .cfi_restore x30
    br      x30
    .cfi_endproc
    .size   hawser__switch, . - hawser__switch

    .globl  hawser__switch_alike
    .set    hawser__switch_alike, hawser__switch

/* Where a context goes on that has not run yet. */
    .type   hawser__switch_first, %function
    .p2align 4
hawser__switch_first:
    .cfi_startproc
    .cfi_undefined x30          /* the outermost frame: backtraces end here */
    nop                         /* debuggers look just before the place where a frame goes on */
.Lfirst:
    hint    #36                 /* bti j */
    mov     x1, x19
    mov     x2, x20
    mov     x3, x21
    mov     x30, xzr
    bl      hawser__context_first
    brk     #1
    .cfi_endproc
    .size   hawser__switch_first, . - hawser__switch_first

/* void hawser__switch_prepare(hawser__context *context, void *top, void (*entry)(void *arg), void *arg): the frame below TOP,
 * which is aligned to 16, from which CONTEXT goes on in hawser__switch_first. */
    .globl  hawser__switch_prepare
    .type   hawser__switch_prepare, %function
    .p2align 4
hawser__switch_prepare:
    .cfi_startproc
    hint    #34                 /* bti c */
    adr     x9, .Lfirst
    sub     x10, x1, #176       /* the frame, and 16 bytes of 0 above it */
    stp     x0, x2, [x10, #0]
    stp     x3, xzr, [x10, #16]
    stp     xzr, xzr, [x10, #32]
    stp     xzr, xzr, [x10, #48]
    stp     xzr, xzr, [x10, #64]
    stp     xzr, x9, [x10, #80] /* x29: the end for those who follow frame pointers */
    stp     xzr, xzr, [x10, #96]
    stp     xzr, xzr, [x10, #112]
    stp     xzr, xzr, [x10, #128]
    stp     xzr, xzr, [x10, #144]
    stp     xzr, xzr, [x10, #160]
    str     x10, [x0]
    ret
    .cfi_endproc
    .size   hawser__switch_prepare, . - hawser__switch_prepare

    .section .note.GNU-stack, "", %progbits

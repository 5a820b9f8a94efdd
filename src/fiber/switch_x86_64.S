/* SPDX-License-Identifier: MIT */
/*
 * The switch on x86-64, System V ABI.
 *
 *     hawser__context *hawser__switch(hawser__context *from, hawser__context *to);
 *
 * Saves what a call must keep on the stack of FROM, stores the stack pointer in FROM (its first field), and goes on with TO.
 * Whoever goes on gets as result the context that was left, its FROM.
 *
 * What lies where the stack pointer of a suspended context points, lowest address first. tools/gdb/hawser-gdb.py reads it:
 *
 *      +0 r15   +8 r14   +16 r13   +24 r12   +32 rbx   +40 rbp   +48 where it goes on   +56 the stack from before the call
 *
 * Not kept: the vector registers, which calls may change, and the modes in MXCSR and the x87 control word, which they may not,
 * but whose saving would cost half as much again as all of the rest (context.h).
 *
 * It ends in a jump, not in ret: the processor foresees a ret from the calls made, on another stack wrongly, which costs more
 * than the whole switch. hawser__switch_alike ends in ret: where both stacks were left by the same calls the foresight is
 * right, for this return and for all those that follow, which after a jump are each one off.
 *
 * A shadow stack would have to be switched as well; without a note that says so the linker leaves shadow stacks off for the
 * whole program.
 */
    .text

/* All but the last step; one place for both. */
    .macro  change_stacks
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq   %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq   %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq   %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq   %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq    %rsp, (%rdi)
    movq    (%rsi), %rsp        /* the same frame on another stack: what the unwinder was told still holds */
    movq    %rdi, %rax
    popq    %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq    %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq    %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq    %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq    %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    .endm

    .globl  hawser__switch
    .type   hawser__switch, @function
    .p2align 4
hawser__switch:
    .cfi_startproc
    endbr64
    change_stacks
    popq    %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    notrack jmp *%rcx
    .cfi_endproc
    .size   hawser__switch, . - hawser__switch

    .globl  hawser__switch_alike
    .type   hawser__switch_alike, @function
    .p2align 4
hawser__switch_alike:
    .cfi_startproc
    endbr64
    change_stacks
    ret
    .cfi_endproc
    .size   hawser__switch_alike, . - hawser__switch_alike

/* Where a context goes on that has not run yet. The 0 above its frame is the return address of nobody. */
    .type   hawser__switch_first, @function
    .p2align 4
hawser__switch_first:
    .cfi_startproc
    .cfi_undefined %rip         /* the outermost frame: backtraces end here */
    nop                         /* debuggers look just before the place where a frame goes on */
.Lfirst:
    endbr64
    movq    %rax, %rdi
    movq    %rbx, %rsi
    movq    %r12, %rdx
    movq    %r13, %rcx
    call    hawser__context_first
    ud2
    .cfi_endproc
    .size   hawser__switch_first, . - hawser__switch_first

/* void hawser__switch_prepare(hawser__context *context, void *top, void (*entry)(void *arg), void *arg): the frame below TOP,
 * which is aligned to 16, from which CONTEXT goes on in hawser__switch_first. */
    .globl  hawser__switch_prepare
    .type   hawser__switch_prepare, @function
    .p2align 4
hawser__switch_prepare:
    .cfi_startproc
    endbr64
    xorl    %eax, %eax
    leaq    .Lfirst(%rip), %r8
    movq    %rax, -8(%rsi)
    movq    %rax, -16(%rsi)
    movq    %r8, -24(%rsi)
    movq    %rax, -32(%rsi)     /* rbp: the end for those who follow frame pointers */
    movq    %rdi, -40(%rsi)     /* rbx */
    movq    %rdx, -48(%rsi)     /* r12 */
    movq    %rcx, -56(%rsi)     /* r13 */
    movq    %rax, -64(%rsi)
    movq    %rax, -72(%rsi)
    leaq    -72(%rsi), %rsi
    movq    %rsi, (%rdi)
    ret
    .cfi_endproc
    .size   hawser__switch_prepare, . - hawser__switch_prepare

    .section .note.GNU-stack, "", @progbits

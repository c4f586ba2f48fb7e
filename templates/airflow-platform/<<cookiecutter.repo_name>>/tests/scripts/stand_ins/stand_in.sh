#!/bin/sh
# Stands in for the program that it is called as: hands the call to the test that waits at $MACHINE, says what it answers.
call="$MACHINE/call.$$"
mkdir "$call"
for argument in "${0##*/}" "$@"; do printf '%s\0' "$argument"; done >"$call/arguments"
case " $* " in *" - "* | *"-stdin "* | *" /dev/stdin "*) cat >"$call/stdin" ;; esac
mkfifo "$call/answer"
echo "$call" >"$MACHINE/calls"
read -r code <"$call/answer"
if [ -s "$call/stderr" ]; then cat "$call/stderr" >&2; fi
if [ -s "$call/stdout" ]; then cat "$call/stdout"; fi
exit "$code"

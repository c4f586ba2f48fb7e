#!/bin/sh
# Stands in for the program that it is called as: hands the call to the test that waits at $MACHINE, says what it answers.
# A line of less than PIPE_BUF bytes is written whole. Nothing on a line holds a tab.
IFS='	'
call="$MACHINE/call.$$"
mkfifo "$call"
case "$IFS$*$IFS" in *"$IFS-$IFS"* | *"-stdin$IFS"* | *"$IFS/dev/stdin$IFS"*) cat >"$call.stdin" ;; esac
printf '%s\n' "$call$IFS${0##*/}$IFS$*" >"$MACHINE/calls"
{
  read -r code out
  if [ -n "$out" ]; then cat; fi
} <"$call"
if [ -s "$call.stderr" ]; then cat "$call.stderr" >&2; fi
exit "$code"

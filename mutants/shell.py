"""The mutants of redundancy-lim: its guards of number, place, read-back, memory, boot and hold.

Each names the files of tests/lim that are asked, under one shell and one backend: the guards are the same under all,
and neither what they cost nor a hundred repairs are asked.
"""

from collections.abc import Iterator

from mutants.damage import Group, Mutant, of_text
from mutants.trees import Asked

PATH = "redundancyd/lim/redundancy-lim"
CHOICE = "(not bash and not busybox and not legacy or other_backend) and not costs and not hundred"

ORDERS = ("orders",)
RULES = ("rules",)
FAULTS = ("faults",)
BOOT = ("boot_and_hold", "orphan_hold")
PACKETS = ("packets",)
WORDS = ("words", "orders")

GUARDS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    # ---- the number
    ("an older number is obeyed", ORDERS, 'elif [ "$2" -lt "$number" ]; then', "elif false; then"),
    ("the same number is refused", ORDERS, '[ "$2" -lt "$number" ]', '[ "$2" -le "$number" ]'),
    (
        "an equal number with the other word is obeyed",
        ORDERS,
        'elif [ "$2" -eq "$number" ] && [ "$1" != "$word" ]; then',
        "elif false; then",
    ),
    ("an equal number with the same word is refused", ORDERS, ' && [ "$1" != "$word" ]; then', "; then"),
    (
        "a number may have any length",
        ORDERS,
        " | ?????????????*) return 1 ;; esac; }     # at",
        ") return 1 ;; esac; }  # at",
    ),
    ("a number may begin with 0", WORDS, "'' | 0?* | *[!0-9]*", "'' | *[!0-9]*"),
    ("number 0 may be ordered", WORDS, '&& [ "$1" != 0 ]; }', "; }"),
    ("an order needs no name", WORDS, 'is_id "$3" ||', "true ||"),
    ("a LIM that lost its memory allows", FAULTS, '[ "$known$1" = tornallow ]', "false"),
    ("orders are obeyed without settings", ORDERS, '[ -n "$problem" ] && [ "$1 $2" != \'allow by-hand\' ]', "false"),
    ("not even by hand is allowed without settings", ORDERS, " && [ \"$1 $2\" != 'allow by-hand' ]; then", "; then"),
    ("a service may cover SSH", ORDERS, '[ "$first" -gt 22 ] || [ "$last" -lt 22 ]', "true"),
    ("two orders may be carried out at once", FAULTS, "if flock -n 9 2> /dev/null || timeout", "if true || timeout"),
    ("an order waits for no other order", FAULTS, " || timeout -s KILL 1 flock 9 2> /dev/null; then", "; then"),
    # ---- the place
    ("the number of jumps does not count", RULES, '[ "$count" = 3 ] && [', "["),
    ("the jump in INPUT may stand anywhere", RULES, """[ "$first_input" = '-A INPUT -j REDUNDANCYD-IN' ]""", "true"),
    (
        "the jump in OUTPUT may stand anywhere",
        RULES,
        """[ "$first_output" = '-A OUTPUT -j REDUNDANCYD-OUT' ]""",
        "true",
    ),
    (
        "the jump in FORWARD may stand anywhere",
        RULES,
        """[ "$first_forward" = '-A FORWARD -j REDUNDANCYD-FWD' ]""",
        "true",
    ),
    ("a jump is put at the end of INPUT", RULES, "-I INPUT 1 -j", "-A INPUT -j"),
    ("a jump is put at the end of OUTPUT", RULES, "-I OUTPUT 1 -j", "-A OUTPUT -j"),
    ("a jump is put at the end of FORWARD", RULES, "-I FORWARD 1 -j", "-A FORWARD -j"),
    ("jumps that moved stay beside the new ones", RULES, 'script="$script-D ${line#-A }$nl"', ":"),
    ("jumps are never moved", RULES, "jumps_stand || move_jumps", ":"),
    ("other rules in our chains are ours", RULES, '[ "$rules" = "$want" ] && jumps_stand', "jumps_stand"),
    ("rules in the other backend are not looked for", RULES, 'if elsewhere "$1"; then', "if false; then"),
    ("one family speaks for both", RULES, "*) traffic=mixed ;;", "*) traffic=$seen4 ;;"),
    ("tampered rules are not told", RULES, "*tampered*) traffic=tampered ;;", "*tampered*) traffic=blocked ;;"),
    ("rules that cannot be read are blocked", FAULTS, "*unknown*) traffic=unknown ;;", "*unknown*) traffic=blocked ;;"),
    ("LIM to LIM is cut on the way in", PACKETS, "-A REDUNDANCYD-IN -s $address/$bits -j RETURN$nl", ""),
    (
        "our own reset is eaten on the way out",
        PACKETS,
        "--tcp-flags RST RST -j RETURN$nl",
        "--tcp-flags RST,FIN RST,FIN -j RETURN$nl",
    ),
    (
        "a server that streams by itself goes on",
        PACKETS,
        "--sport $ports -j $verdict$nl",
        "--dport $ports -j $verdict$nl",
    ),
    (
        "containers are not blocked",
        PACKETS,
        "--ctorigdstport $ports -j $verdict$nl",
        "--ctorigdstport 1 -j $verdict$nl",
    ),
    # ---- the read-back
    (
        "blocked is said without reading back",
        FAULTS,
        '    if [ "$traffic" = blocked ]; then\n        reply true\n    elif',
        "    if true; then\n        reply true\n    elif",
    ),
    (
        "allowed is said without reading back",
        FAULTS,
        '[ "$traffic" = allowed ] && [ -z "$reasons" ]',
        '[ -z "$reasons" ]',
    ),
    (
        "an allow that failed half way is not undone",
        FAULTS,
        'for family in $opened; do look "$family"; put "$family" blocked; done',
        ":",
    ),
    ("IPv4 is opened before IPv6", FAULTS, "for family in 6 4; do", "for family in 4 6; do"),
    ("IPv6 is left out where there is some", RULES, "then ipv6=true; fi", "then ipv6=false; fi"),
    ("IPv6 is wanted where there is none", FAULTS, "|| [ -e /proc/net/if_inet6 ] || return 0", "|| :"),
    (
        "an open family counts as blocked",
        RULES,
        '        [ "$seen" != blocked ] || continue\n        put',
        '        [ "$seen" = allowed ] || continue\n        put',
    ),
    (
        "rules that moved between look and put are not tried again",
        FAULTS,
        "1 | 2) look $family; if",
        "9) look $family; if",
    ),
    ("a busy firewall is told as a broken one", FAULTS, "4) failed=lock_busy ;;", "4) : ;;"),
    (
        "an iptables that hangs is waited for",
        FAULTS,
        'bounded() { timeout -s KILL "$@" 8<&- 9<&-; }',
        'bounded() { shift; "$@" 8<&- 9<&-; }',
    ),
    (
        "a block is refused with broken settings only by luck",
        BOOT,
        '[ "$2" = allowed ] || [ -z "$problem" ] || { detail=$problem; return 1; }',
        ":",
    ),
    # ---- the memory
    (
        "a block stops at a disk that takes nothing",
        FAULTS,
        'save_order "$@" blocked || :',
        'save_order "$@" blocked || return',
    ),
    (
        "remembered is said of another order",
        FAULTS,
        'parse_order "$lasting/state" && [ "$order" = "$copy" ] && remembered=true',
        "remembered=true",
    ),
    ("a file cut short is believed", FAULTS, '[ "$order" = "$end" ] && is_number "$number"', 'is_number "$number"'),
    ("a copy of another boot is believed", FAULTS, ' && [ "$saved_in" = "$this_boot" ]; then', "; then"),
    ("the order is not kept on the disk", ORDERS, 'if write_beside "$lasting/state" sync; then', "if false; then"),
    ("the order is not kept in memory", FAULTS, 'if write_beside "$volatile/state"; then', "if false; then"),
    ("an older copy in memory is left", FAULTS, '; else rm -f "$volatile/state" 2> /dev/null; fi', "; fi"),
    (
        "a torn memory counts as none",
        FAULTS,
        '[ ! -e "$lasting/state" ] && [ ! -e "$volatile/state" ] || known=torn',
        ":",
    ),
    (
        "allowed stands although it can be kept nowhere",
        FAULTS,
        'if save_order "$@" allowed; then',
        'if save_order "$@" allowed || :; then',
    ),
    ("an order is written again each time", ORDERS, 'then return 0; fi\n    # "since"', 'then :; fi\n    # "since"'),
    (
        "since moves with a repeated order",
        ORDERS,
        '[ "$known $2 $4 $5" = "yes $word $origin $traffic_wanted" ] || since=',
        "since=",
    ),
    ("a disk that hangs is waited for", FAULTS, 'bounded "$write_s" sh -c "$steps"', 'sh -c "$steps"'),
    # ---- boot and hold
    (
        "boot blocks a LIM that was never ordered",
        BOOT,
        '[ "$known" != no ] && [ "$word$traffic_wanted" != noneallowed ] || return 0',
        ":",
    ),
    (
        "boot again blocks a LIM that carries traffic",
        BOOT,
        '[ ! -e "$volatile/boot" ] && [ ! -e "$volatile/state" ] || return 0',
        ":",
    ),
    (
        "a restarted boot unit begins the wait anew",
        BOOT,
        '[ ! -e "$volatile/boot" ] && [ ! -e "$volatile/state" ]',
        '[ ! -e "$volatile/state" ]',
    ),
    (
        "blocked by hand is a hold after a boot",
        BOOT,
        '[ "$origin$traffic_wanted" != handblocked ] || kept_origin=hand',
        ":",
    ),
    ("a LIM with a torn memory is not kept blocked", BOOT, "[ $known != torn ] || mark torn", ":"),
    ("boot does not wait for a busy firewall", BOOT, "[ $tries -lt 5 ]", "[ $tries -lt 0 ]"),
    (
        "a boot that failed is not tried again",
        BOOT,
        '    rm -f "$volatile/boot" "$volatile/state"                     # systemd',
        "    :  # systemd",
    ),
    (
        "the alternate allows itself",
        BOOT,
        '[ "$system$traffic_wanted" = primaryblocked ]',
        '[ "$traffic_wanted" = blocked ]',
    ),
    ("last ordered blocked allows itself", BOOT, '[ "$word$origin" = allowhold ]', '[ "$origin" = hold ]'),
    (
        "last ordered allowed allows itself after any block",
        BOOT,
        '[ "$word$origin" = allowhold ]',
        '[ "$word" = allow ]',
    ),
    ("boot_hold is no time at all", BOOT, 'elapsed boot "$boot_hold"', "elapsed boot 0"),
    ("boot_hold never ends", BOOT, '&& elapsed boot "$boot_hold"; then', "&& false; then"),
    (
        "orphan_hold counts though it is off",
        BOOT,
        '[ "$orphan_hold" != off ] && [ "$origin" != hand ] && elapsed contact "$orphan_hold"',
        '[ "$origin" != hand ] && elapsed contact 0',
    ),
    ("an orphan blocked by hand allows itself", BOOT, ' && [ "$origin" != hand ] && elapsed', " && elapsed"),
    ("a word from the supervision does not stop the orphan's count", BOOT, "    mark contact\n", "    :\n"),
    ("a hold ends although the endpoints are not heard", BOOT, '[ "$heard" = yes ] && is_due', "is_due"),
    ("a hold ends although an order came meanwhile", BOOT, '[ "$heard" = yes ] && is_due', '[ "$heard" = yes ]'),
    ("hold puts nothing back", BOOT, "    put_blocked\n    look_at_both\n    { echo", "    look_at_both\n    { echo"),
    ("hold blocks a LIM that is allowed", BOOT, "        yesblocked) ;;\n", "        yes*) ;;\n"),
    (
        "hold writes rules that are right again",
        BOOT,
        '    [ "$traffic" != blocked ] || return 0\n    failed',
        "    failed",
    ),
    ("what hold mended is not counted", BOOT, "{ echo $(($(repairs) + 1))", "{ echo $(($(repairs) + 0))"),
    ("hold lets a torn LIM be", BOOT, 'torn*) [ -e "$volatile/torn" ] || return 0 ;;', "torn*) return 0 ;;"),
    (
        "hold blocks a LIM whose memory is torn without a boot",
        BOOT + FAULTS,
        'torn*) [ -e "$volatile/torn" ] || return 0 ;;',
        "torn*) ;;",
    ),
)
"""What is damaged, who is asked, what stands there, and what is put in its place."""


def guard_mutants() -> Iterator[Mutant]:
    """All of them."""
    for name, _, old, new in GUARDS:
        yield of_text(f"redundancy-lim: {name}", Group.GUARD, PATH, old, new)


FILES = {f"redundancy-lim: {name}": files for name, files, _, _ in GUARDS}


def guard_tests(name: str) -> Asked:
    """Who is asked about a guard."""
    return Asked(tuple(f"tests/lim/test_{file}.py" for file in FILES[name]), CHOICE)

"""The lab: two systems of LIMs, phones and a router in network namespaces, with real sshd, iptables, SIP and daemon."""

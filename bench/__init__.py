"""The figures of redundancyd, each beside a peer that did the same work in the same bed and in the same run."""

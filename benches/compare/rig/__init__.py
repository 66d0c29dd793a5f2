"""The comparison rig: the same load through nginx, HAProxy, Envoy and attache, on pinned cores."""

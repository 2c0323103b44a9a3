"""What a failover costs: an observer, probes and faults over network namespaces; see README.md."""

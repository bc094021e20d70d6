module heatstack-operator/bench/heat

go 1.26

/** Addresses in the cluster's own network namespace. No packet of them leaves it. */

/** Name of the node. */
export const NODE = 'node-1';
/** The node: API server, kubelet, DNS. */
export const NODE_ADDRESS = '10.77.0.1';
/** Keystone and Heat: not the API server's address, which the operator refuses as a cloud's. */
export const CLOUD_ADDRESS = '10.77.0.2';
export const POD_RANGE = '10.88.0.0/16';
export const SERVICE_RANGE = '10.96.0.0/16';

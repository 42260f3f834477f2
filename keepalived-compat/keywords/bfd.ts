/** BFD sessions. Not supported yet. */
import { block, flag, int, ip, oneOf, onOff, optional, setting, text, uint } from './keyword.ts';

export const bfdInstance = block(
  'bfd_instance',
  [text('name')],
  { repeat: 'each', inEffect: 'no BFD in this version' },
  [
    setting('source_ip', [ip('addr')], { default: 'any' }),
    setting('neighbor_ip', [ip('addr')]),
    setting('neighbour_ip', [ip('addr')], { aliasOf: 'neighbor_ip' }),
    setting('min_rx', [{ name: 'ms', type: 'decimal', min: 1, max: 4_294_967 }], { default: 10 }),
    setting('min_tx', [{ name: 'ms', type: 'decimal', min: 1, max: 4_294_967 }], { default: 10 }),
    setting('idle_tx', [{ name: 'ms', type: 'decimal', min: 1000, max: 4_294_967 }], { default: 1000 }),
    setting('multiplier', [uint('n', 1, 255)], { default: 5 }),
    flag('passive', { default: 'off' }),
    setting('ttl', [uint('n', 1, 255)], { default: '255 IPv4, 64 IPv6' }),
    setting('hoplimit', [uint('n')], { aliasOf: 'ttl' }),
    setting('max_hops', [int('n', -1, 255)], { default: 0 }),
    setting('multihop', onOff, { default: 'false' }),
    setting('weight', [int('w', -253, 253), optional(oneOf('option', ['reverse']))], { default: 0 }),
    flag('vrrp', { default: 'both receivers' }),
    flag('checker', { default: 'both receivers' }),
  ],
);

/** The block virtual_server with its real_server blocks; what stands in a checker is in checkers.ts. */
import { checkerKeywords } from './checkers.ts';
import {
  type Argument,
  block,
  command,
  flag,
  ip,
  named,
  oneOf,
  onOff,
  optional,
  other,
  port,
  seconds,
  setting,
  text,
  uint,
} from './keyword.ts';

const scheduler: Argument = oneOf('sched', [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'sh',
  'mh',
  'dh',
  'fo',
  'ovf',
  'lblcr',
  'sed',
  'nq',
  'twos',
]);

/** How packets reach the real server; the rest describes the tunnel of TUN. */
const forwardingMethod: readonly Argument[] = [
  oneOf('method', ['NAT', 'DR', 'TUN']),
  named(oneOf('type', ['ipip', 'gue', 'gre'])),
  named(port()),
  optional(oneOf('csum', ['nocsum', 'csum', 'remcsum'])),
];

const noSchedulerFlag = {
  default: 'off',
  inEffect: 'the scheduler runs without this flag',
  feature: 'scheduler flags',
} as const;

const noScript = {
  repeat: 'first',
  default: 'none',
  inEffect: 'the script is not run',
  feature: 'scripts',
} as const;

export const virtualServer = block(
  'virtual_server',
  [other('target', 'ADDR, fwmark N or group NAME'), optional(port(0))],
  { repeat: 'each', status: 'supported' },
  [
    setting('ip_family', [oneOf('family', ['inet', 'inet6'])], {
      default: 'from the address; for fwmark from the servers, IPv4 when mixed tunnels',
      status: 'without-effect',
      inEffect: 'the family is that of the address',
    }),
    setting('retry', [uint('n', 1, 4_294_967_295)], { default: 'that of each kind of checker', status: 'supported' }),
    setting('delay_before_retry', [seconds('secs')], { default: 'that of each kind of checker', status: 'supported' }),
    setting('warmup', [seconds('secs')], { default: 'delay_loop', status: 'supported' }),
    setting('connect_timeout', [seconds('secs', 0.000001, 4294.967295)], { default: 5, status: 'supported' }),
    setting('delay_loop', [seconds('secs', 0.000001)], { default: 60, status: 'supported' }),
    flag('inhibit_on_failure', { default: 'off', status: 'supported' }),
    setting('lb_algo', [scheduler], { default: 'wlc', status: 'supported' }),
    setting('lvs_sched', [scheduler], { aliasOf: 'lb_algo', status: 'supported' }),
    flag('hashed', { status: 'without-effect', inEffect: 'hashing follows from lb_algo' }),
    flag('ops', { default: 'off', status: 'supported' }),
    flag('flag-1', noSchedulerFlag),
    flag('flag-2', noSchedulerFlag),
    flag('flag-3', noSchedulerFlag),
    flag('sh-port', noSchedulerFlag),
    flag('sh-fallback', noSchedulerFlag),
    flag('mh-port', noSchedulerFlag),
    flag('mh-fallback', noSchedulerFlag),
    setting('lb_kind', forwardingMethod, { default: 'NAT', status: 'supported', repeat: 'each' }),
    setting('lvs_method', forwardingMethod, { aliasOf: 'lb_kind', status: 'supported', repeat: 'each' }),
    setting('persistence_engine', [text('name')], {
      default: 'none',
      inEffect: 'clients are told apart by their address',
    }),
    setting('persistence_timeout', [optional(uint('secs', 1, 2_678_400))], {
      default: 'off, or 360 without a number',
      status: 'supported',
    }),
    setting('persistence_granularity', [other('mask', 'netmask|prefix')], {
      default: '/32, /128',
      inEffect: 'each client address is persistent by itself',
    }),
    setting('protocol', [{ ...oneOf('proto', ['TCP', 'UDP', 'SCTP']), anyCase: true }], {
      default: 'UDP',
      status: 'supported',
    }),
    flag('ha_suspend', { default: 'off', inEffect: 'checks go on while the virtual address is on another machine' }),
    setting('smtp_alert', onOff, {
      default: 'smtp_alert_checker, smtp_alert, else false',
      inEffect: 'no mail is sent',
      feature: 'mail',
    }),
    setting('virtualhost', [text('name')], { default: 'none', status: 'supported' }),
    setting('snmp_name', [text('name')], {
      default: 'none',
      status: 'without-effect',
      inEffect: 'no SNMP in this version',
      feature: 'SNMP',
    }),
    flag('alpha', { default: 'off', status: 'supported' }),
    flag('omega', { default: 'off', status: 'without-effect', inEffect: 'no notification is sent in this version' }),
    setting('quorum_up', command, noScript),
    setting('quorum_down', command, noScript),
    setting('quorum', [uint('weight', 1, 4_294_967_295)], { default: 1, status: 'supported' }),
    setting('hysteresis', [uint('n')], { default: 0, status: 'supported' }),
    setting('weight', [uint('w', 1, 2_147_483_647)], { default: 1, status: 'supported' }),
    setting('sorry_server', [ip('addr'), optional(port(0))], { default: 'none', status: 'supported' }),
    flag('sorry_server_inhibit', { default: 'off', status: 'supported' }),
    setting('sorry_server_lvs_method', forwardingMethod, {
      default: 'the lb_kind before it, else the last one',
      status: 'supported',
    }),
    block('real_server', [ip('addr'), optional(port(0))], { repeat: 'each', status: 'supported' }, [
      setting('weight', [uint('w', 0, 2_147_483_647)], {
        default: 'that of the virtual server',
        status: 'supported',
      }),
      setting('lvs_method', forwardingMethod, {
        default: 'the lb_kind before it, else the last one',
        status: 'supported',
      }),
      setting('uthreshold', [uint('n')], { default: 0, status: 'supported' }),
      setting('lthreshold', [uint('n')], { default: 0, status: 'supported' }),
      setting('inhibit_on_failure', onOff, { default: 'that of the virtual server', status: 'supported' }),
      setting('notify_up', command, noScript),
      setting('notify_down', command, noScript),
      setting('alpha', onOff, { default: 'that of the virtual server', status: 'supported' }),
      setting('retry', [uint('n', 1, 4_294_967_295)], { default: 'that of the virtual server', status: 'supported' }),
      setting('delay_before_retry', [seconds('secs')], { default: 'that of the virtual server', status: 'supported' }),
      setting('warmup', [seconds('secs')], { default: 'that of the virtual server', status: 'supported' }),
      setting('connect_timeout', [seconds('secs', 0.000001, 4294.967295)], {
        default: 'that of the virtual server',
        status: 'supported',
      }),
      setting('delay_loop', [seconds('secs', 0.000001)], {
        default: 'that of the virtual server',
        status: 'supported',
      }),
      setting('smtp_alert', onOff, {
        default: 'smtp_alert_checker, smtp_alert, else TRUE',
        inEffect: 'no mail is sent',
        feature: 'mail',
      }),
      setting('virtualhost', [text('name')], { default: 'that of the virtual server', status: 'supported' }),
      setting('snmp_name', [text('name')], {
        default: 'none',
        status: 'without-effect',
        inEffect: 'no SNMP in this version',
        feature: 'SNMP',
      }),
      ...checkerKeywords,
    ]),
  ],
);

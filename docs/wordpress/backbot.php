<?php
/**
 * Plugin Name:       backbot
 * Description:       Puts backbot's button on your pages: readers ask about back pain and are answered from your articles.
 * Version:           0.1.0
 * Requires at least: 6.2
 * Requires PHP:      7.4
 * License:           Apache-2.0
 * License URI:       https://www.apache.org/licenses/LICENSE-2.0
 * Text Domain:       backbot
 *
 * Save this file as wp-content/plugins/backbot/backbot.php, turn the plugin on, and enter your server's address under
 * Settings, backbot. It prints one script tag and stores two settings; it sends nothing anywhere.
 */

defined( 'ABSPATH' ) || exit;

const BACKBOT_SETTINGS = 'backbot';
const BACKBOT_ACCENT   = '#0f5f63';

/**
 * The settings as they are safe to use: an https address without path (http on this machine only), and a colour.
 *
 * @param mixed $given What the form sent or the database holds.
 */
function backbot_clean( $given ): array {
	$given  = is_array( $given ) ? $given : array();
	$url    = isset( $given['url'] ) && is_string( $given['url'] ) ? trim( $given['url'] ) : '';
	$accent = isset( $given['accent'] ) && is_string( $given['accent'] ) ? $given['accent'] : '';
	$parts  = wp_parse_url( $url );
	$parts  = is_array( $parts ) ? $parts : array();
	$scheme = strtolower( $parts['scheme'] ?? '' );
	$host   = strtolower( $parts['host'] ?? '' );
	$local  = in_array( $host, array( 'localhost', '127.0.0.1' ), true );
	$valid  = preg_match( '/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/', $host ) && ! isset( $parts['user'] ) && ! isset( $parts['pass'] )
		&& ( 'https' === $scheme || ( 'http' === $scheme && $local ) );
	$port   = isset( $parts['port'] ) ? ':' . (int) $parts['port'] : '';
	return array(
		'url'    => $valid ? "$scheme://$host$port" : '',
		'accent' => preg_match( '/^#[0-9a-fA-F]{6}$/', $accent ) ? strtolower( $accent ) : BACKBOT_ACCENT,
	);
}

/** The settings page, for those who may change the site's settings. */
function backbot_settings_page(): void {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	$settings = backbot_clean( get_option( BACKBOT_SETTINGS, array() ) );
	?>
	<div class="wrap">
		<h1><?php esc_html_e( 'backbot', 'backbot' ); ?></h1>
		<form action="options.php" method="post">
			<?php settings_fields( BACKBOT_SETTINGS ); ?>
			<table class="form-table" role="presentation">
				<tr>
					<th scope="row"><label for="backbot-url"><?php esc_html_e( 'Address of your backbot server', 'backbot' ); ?></label></th>
					<td>
						<input type="url" class="regular-text" id="backbot-url" name="<?php echo esc_attr( BACKBOT_SETTINGS ); ?>[url]"
							value="<?php echo esc_attr( $settings['url'] ); ?>" placeholder="https://bot.example.org" aria-describedby="backbot-url-help">
						<p class="description" id="backbot-url-help">
							<?php
							printf(
								/* translators: %s: the address of this site */
								esc_html__( 'The server must allow this site: BACKBOT_ALLOWED_ORIGINS=%s. Left empty, no button is shown.', 'backbot' ),
								esc_html( backbot_origin( home_url() ) )
							);
							?>
						</p>
					</td>
				</tr>
				<tr>
					<th scope="row"><label for="backbot-accent"><?php esc_html_e( 'Colour of the button', 'backbot' ); ?></label></th>
					<td>
						<input type="color" id="backbot-accent" name="<?php echo esc_attr( BACKBOT_SETTINGS ); ?>[accent]"
							value="<?php echo esc_attr( $settings['accent'] ); ?>">
					</td>
				</tr>
			</table>
			<?php submit_button(); ?>
		</form>
	</div>
	<?php
}

/** The scheme, host and port of an address, as browsers name an origin. */
function backbot_origin( string $address ): string {
	$parts = wp_parse_url( $address );
	$port  = isset( $parts['port'] ) ? ':' . (int) $parts['port'] : '';
	return ( $parts['scheme'] ?? 'https' ) . '://' . ( $parts['host'] ?? '' ) . $port;
}

/** The one script tag; on a post or a page it names it, so that "is this safe for me?" is understood. */
function backbot_print_script(): void {
	$settings = backbot_clean( get_option( BACKBOT_SETTINGS, array() ) );
	if ( '' === $settings['url'] ) {
		return;
	}
	$context = is_singular() ? (string) get_permalink() : '';
	printf(
		'<script src="%s" data-accent="%s" data-locale="%s"%s defer></script>' . "\n",
		esc_url( $settings['url'] . '/widget.js' ),
		esc_attr( $settings['accent'] ),
		esc_attr( get_bloginfo( 'language' ) ),
		'' === $context ? '' : ' data-context="' . esc_attr( esc_url_raw( $context ) ) . '"'
	);
}

add_action(
	'admin_init',
	static function (): void {
		register_setting(
			BACKBOT_SETTINGS,
			BACKBOT_SETTINGS,
			array(
				'type'              => 'array',
				'sanitize_callback' => 'backbot_clean',
				'default'           => array(),
			)
		);
	}
);
add_action(
	'admin_menu',
	static function (): void {
		add_options_page( 'backbot', 'backbot', 'manage_options', 'backbot', 'backbot_settings_page' );
	}
);
add_action( 'wp_footer', 'backbot_print_script' );

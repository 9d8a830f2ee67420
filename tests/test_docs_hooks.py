"""The plug-in for WordPress, as docs/hooks.md prints it, runs and is understood by a real server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.hook_samples import SECRET, VECTOR, hooked
from tests.test_docs import DOCS, blocks
from tests.times import Clock, time_of_day
from tests.web_project import served

# What WordPress has and the plug-in calls; the request is a real one.
WORDPRESS = """<?php
$actions = [];
function add_action($name, $call, $priority = 10, $arguments = 1) { global $actions; $actions[$name][] = $call; }
function do_action($name, ...$given) { global $actions; foreach ($actions[$name] ?? [] as $call) { $call(...$given); } }
function get_permalink($post) { return $post->link; }
function wp_json_encode($value) { return json_encode($value); }
function wp_remote_post($url, $sent) {
    $lines = ['Host: news.marquee.example'];
    foreach ($sent['headers'] as $name => $value) { $lines[] = "$name: $value"; }
    $http = ['method' => 'POST', 'header' => $lines, 'content' => $sent['body'], 'ignore_errors' => true];
    echo file_get_contents($url, false, stream_context_create(['http' => $http])), "\\n";
}
define('NEWSLETTER_HOOK_URL', $argv[1]);
define('NEWSLETTER_HOOK_SECRET', $argv[2]);
require $argv[3];
echo newsletter_hook_signature('msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}'), "\\n";
$post = (object) ['post_type' => 'post', 'link' => 'https://guides.marquee.example/größe/'];
$page = (object) ['post_type' => 'page', 'link' => 'https://guides.marquee.example/about/'];
do_action('transition_post_status', 'publish', 'publish', $post);
do_action('transition_post_status', 'draft', 'new', $post);
do_action('transition_post_status', 'publish', 'draft', $page);
do_action('transition_post_status', 'publish', 'future', $post);
echo "saved\\n";
do_action('shutdown');
"""


@pytest.mark.skipif(not shutil.which("php"), reason="install php-cli: the plug-in for WordPress is run with it")
def test_the_plug_in_for_wordpress_signs_and_sends_one_hook_of_a_new_post(tmp_path: Path) -> None:
    (snippet,) = (block.text for block in blocks(DOCS / "hooks.md") if block.mark == "wordpress")
    (tmp_path / "plugin.php").write_text(snippet, encoding="utf-8")
    (tmp_path / "wordpress.php").write_text(WORDPRESS, encoding="utf-8")
    project = hooked(tmp_path / "project", clock=Clock(time_of_day()))
    pulled: list[Collection[str]] = []
    with served(project, pull=pulled.append) as client:
        url = f"http://127.0.0.1:{client.port}/hooks/published"
        command = ["php", "-d", "error_reporting=-1", "-d", "display_errors=1", "wordpress.php"]
        done = subprocess.run(
            [*command, url, SECRET, str(tmp_path / "plugin.php")], cwd=tmp_path, capture_output=True, text=True
        )
    understood = '{"message":"Understood: guides will be read now."}'
    assert done.stdout.splitlines() == [VECTOR["webhook-signature"], "saved", understood], done.stderr
    assert pulled == [["guides"]]

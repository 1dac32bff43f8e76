//! The real client against the real server.

use std::fs;
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use tempfile::TempDir;

use super::{LocalError, LocalS3};

fn client(s3: &LocalS3) -> Client {
    let credentials = Credentials::new(s3.access_key(), s3.secret_key(), None, None, "local store");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(s3.region()))
        .endpoint_url(s3.endpoint())
        .force_path_style(true)
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn start() -> (TempDir, LocalS3, Client) {
    let dir = tempfile::tempdir().unwrap();
    let s3 = LocalS3::start(dir.path()).await.unwrap();
    let client = client(&s3);
    (dir, s3, client)
}

async fn put(client: &Client, key: &str, body: &[u8]) -> String {
    let put = client
        .put_object()
        .bucket("insiders")
        .key(key)
        .body(ByteStream::from(body.to_vec()));
    put.send().await.unwrap().e_tag.unwrap()
}

async fn get(client: &Client, key: &str) -> (String, Vec<u8>) {
    let got = client.get_object().bucket("insiders").key(key);
    let got = got.send().await.unwrap();
    let etag = got.e_tag.clone().unwrap();
    (etag, got.body.collect().await.unwrap().to_vec())
}

async fn keys(client: &Client) -> Vec<String> {
    let listed = client.list_objects_v2().bucket("insiders");
    let listed = listed.send().await.unwrap();
    let contents = listed.contents.unwrap_or_default();
    contents.into_iter().filter_map(|o| o.key).collect()
}

fn status<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(e) => e.raw_response().map_or(0, |r| r.status().as_u16()),
    }
}

/// Files of s3s-fs itself that are neither an object nor the lock.
fn side_files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join(".store")).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|n| n != ".lock" && n != "insiders").collect()
}

#[tokio::test]
async fn objects_are_files_that_people_see() {
    let (dir, s3, client) = start().await;
    put(&client, "runs/a/quality.json", b"{}").await;
    let file = dir.path().join("runs/a/quality.json");
    assert_eq!(fs::read(&file).unwrap(), b"{}");
    fs::write(dir.path().join("uploads/by-hand.csv"), "x").unwrap();
    assert_eq!(
        keys(&client).await,
        ["runs/a/quality.json", "uploads/by-hand.csv"]
    );

    s3.stop().await;
    let again = LocalS3::start(dir.path()).await.unwrap();
    assert_eq!(
        get(&self::client(&again), "runs/a/quality.json").await.1,
        b"{}"
    );
}

#[tokio::test]
async fn names_that_need_escaping() {
    let (dir, _s3, client) = start().await;
    let names = ["a b+c&d=e%20.csv", "été 2011/ñ—日本.csv", "~it's (1)!.csv"];
    for name in names {
        let key = format!("uploads/{name}");
        put(&client, &key, name.as_bytes()).await;
        assert_eq!(get(&client, &key).await.1, name.as_bytes());
        assert!(dir.path().join(&key).exists(), "{key}");
        assert!(keys(&client).await.contains(&key), "{key}");
    }
    for bad in ["uploads/../x", "uploads//x", "uploads/./x"] {
        let put = client.put_object().bucket("insiders").key(bad);
        assert_eq!(status(put.send().await), 400, "{bad}");
    }
    let long = client.put_object().bucket("insiders").key("k".repeat(128));
    assert_eq!(status(long.send().await), 400);
    put(&client, &"k".repeat(127), b"").await;
}

#[tokio::test]
async fn conditional_writes() {
    let (_dir, _s3, client) = start().await;
    let write = || {
        client
            .put_object()
            .bucket("insiders")
            .key("models/champion.json")
    };
    let body = |text: &'static str| ByteStream::from_static(text.as_bytes());
    let create = || write().if_none_match("*");
    assert_eq!(status(create().body(body("1")).send().await), 200);
    assert_eq!(status(create().body(body("2")).send().await), 412);
    let (first, _) = get(&client, "models/champion.json").await;
    let swap = || write().if_match(&first);
    assert_eq!(status(swap().body(body("3")).send().await), 200);
    assert_eq!(status(swap().body(body("4")).send().await), 412);
    assert_eq!(get(&client, "models/champion.json").await.1, b"3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_create_one_wins() {
    let (_dir, _s3, client) = start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..32_u8 {
        let create = client.put_object().bucket("insiders").key("models/one");
        let create = create.if_none_match("*").body(vec![n; 100_000].into());
        tasks.spawn(async move { status(create.send().await) });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(
        statuses.iter().filter(|s| **s == 200).count(),
        1,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn reads_of_one_version() {
    let (dir, _s3, client) = start().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let etag = put(&client, "uploads/a.csv", &bytes).await;
    let read = |range: &str, etag: &str| {
        let get = client.get_object().bucket("insiders").key("uploads/a.csv");
        get.range(range).if_match(etag).send()
    };
    let check = async |range: &str, expected: &[u8]| {
        let got = read(range, &etag).await.unwrap();
        assert_eq!(
            got.body.collect().await.unwrap().to_vec(),
            expected,
            "{range}"
        );
    };
    check("bytes=0-9", &bytes[..10]).await;
    check("bytes=600000-2999999", &bytes[600_000..]).await;
    check("bytes=2999990-9999999", &bytes[2_999_990..]).await;
    check("bytes=-5", &bytes[2_999_995..]).await;
    assert_eq!(status(read("bytes=3000000-", &etag).await), 416);

    // Changed by hand: another ETag, at once and after a restart, and the old one is stale.
    fs::write(dir.path().join("uploads/a.csv"), "other").unwrap();
    assert_eq!(status(read("bytes=0-1", &etag).await), 412);
    let (changed, body) = get(&client, "uploads/a.csv").await;
    assert_ne!(changed, etag);
    assert_eq!(body, b"other");
    let head = client.head_object().bucket("insiders").key("uploads/a.csv");
    assert_eq!(head.send().await.unwrap().e_tag.unwrap(), changed);
    let swap = client.put_object().bucket("insiders").key("uploads/a.csv");
    assert_eq!(status(swap.if_match(&etag).send().await), 412);
}

#[tokio::test]
async fn uploads_in_parts() {
    let (dir, s3, client) = start().await;
    let bytes: Vec<u8> = (0..11_000_000_u32).map(|n| (n % 249) as u8).collect();
    let key = "runs/r/segments.parquet";
    let begin = || client.create_multipart_upload().bucket("insiders").key(key);
    let part = |id: &str, n: i32, bytes: &[u8]| {
        let part = client.upload_part().bucket("insiders").key(key);
        part.upload_id(id)
            .part_number(n)
            .body(bytes.to_vec().into())
            .send()
    };
    let id = begin().send().await.unwrap().upload_id.unwrap();
    let mut parts = CompletedMultipartUpload::builder();
    for (n, chunk) in (1..).zip(bytes.chunks(5 << 20)) {
        let tag = part(&id, n, chunk).await.unwrap().e_tag.unwrap();
        parts = parts.parts(CompletedPart::builder().part_number(n).e_tag(tag).build());
    }
    assert!(
        keys(&client).await.is_empty(),
        "nothing shows before the end"
    );
    let end = client
        .complete_multipart_upload()
        .bucket("insiders")
        .key(key);
    let end = end
        .upload_id(&id)
        .multipart_upload(parts.build())
        .if_none_match("*");
    let etag = end.send().await.unwrap().e_tag.unwrap();
    assert_eq!(get(&client, key).await, (etag, bytes.clone()));

    let before = side_files(dir.path()).len();
    let id = begin().send().await.unwrap().upload_id.unwrap();
    part(&id, 1, &bytes[..6 << 20]).await.unwrap();
    assert!(side_files(dir.path()).len() > before);
    let abort = client.abort_multipart_upload().bucket("insiders").key(key);
    abort.upload_id(&id).send().await.unwrap();
    assert_eq!(
        side_files(dir.path()).len(),
        before,
        "an aborted upload leaves nothing"
    );

    let id = begin().send().await.unwrap().upload_id.unwrap();
    part(&id, 1, &bytes[..6 << 20]).await.unwrap();
    drop(s3);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let _again = LocalS3::start(dir.path()).await.unwrap();
    assert_eq!(
        side_files(dir.path()).len(),
        before,
        "nor does a killed one"
    );
}

#[tokio::test]
async fn copies_and_deletions() {
    let (dir, _s3, client) = start().await;
    let etag = put(&client, "runs/a/x y.json", b"{}").await;
    let copy = client.copy_object().bucket("insiders").key("runs/b/x.json");
    copy.copy_source("insiders/runs/a/x%20y.json")
        .send()
        .await
        .unwrap();
    assert_eq!(get(&client, "runs/b/x.json").await, (etag, b"{}".to_vec()));
    for key in ["runs/a/x y.json", "runs/b/x.json"] {
        let delete = client.delete_object().bucket("insiders").key(key);
        delete.send().await.unwrap();
        let head = client.head_object().bucket("insiders").key(key);
        assert_eq!(status(head.send().await), 404);
    }
    assert!(
        side_files(dir.path()).is_empty(),
        "{:?}",
        side_files(dir.path())
    );
    assert!(!dir.path().join("runs/a").exists());
    assert!(dir.path().join("runs").exists());
}

#[tokio::test]
async fn keys_of_another_start_are_refused() {
    let (_dir, s3, _) = start().await;
    let other_dir = tempfile::tempdir().unwrap();
    let other = LocalS3::start(other_dir.path()).await.unwrap();
    assert!(!format!("{s3:?}").contains(s3.secret_key()));
    let wrong = client(&LocalS3 {
        endpoint: other.endpoint.clone(),
        ..s3
    });
    let list = wrong.list_objects_v2().bucket("insiders");
    assert_eq!(status(list.send().await), 403);
}

#[tokio::test]
async fn one_at_a_time_and_nothing_in_the_way() {
    let (dir, s3, _) = start().await;
    let second = LocalS3::start(dir.path()).await;
    assert!(
        matches!(second, Err(LocalError::InUse { .. })),
        "{second:?}"
    );
    s3.stop().await;
    fs::remove_file(dir.path().join("runs")).unwrap();
    fs::create_dir(dir.path().join("runs")).unwrap();
    let blocked = LocalS3::start(dir.path()).await.unwrap_err().to_string();
    assert!(blocked.contains("runs is in the way"), "{blocked}");
}

#[tokio::test]
async fn a_file_of_this_machine_becomes_an_object() {
    let (dir, s3, client) = start().await;
    let key = "uploads/a.csv";
    let file = |text: &str| {
        let path = dir.path().join("mine.csv");
        fs::write(&path, text).unwrap();
        fs::File::open(path).unwrap()
    };
    let old = put(&client, key, b"put").await;
    s3.put_file(key, file("first"), "mine.csv").await.unwrap();
    let (first, body) = get(&client, key).await;
    assert_eq!(body, b"first");
    s3.put_file(key, file("second"), "mine.csv").await.unwrap();
    let (second, body) = get(&client, key).await;
    assert_eq!(body, b"second");
    assert!(old != first && first != second);
    // The same bytes have the same tag, however they came there.
    fs::write(dir.path().join(key), "first").unwrap();
    assert_eq!(get(&client, key).await.0, first);

    let long = format!("uploads/{}.csv", "x".repeat(200));
    let error = s3.put_file(&long, file("x"), "mine.csv").await.unwrap_err();
    assert!(
        error.to_string().ends_with("give the file another name"),
        "{error}"
    );
    let folder = fs::File::open(dir.path()).unwrap();
    let error = s3.put_file(key, folder, "mine.csv").await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("mine.csv: cannot read the export"),
        "{error}"
    );
    assert_eq!(get(&client, key).await.1, b"first");
}

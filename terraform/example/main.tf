# One machine, its configuration in a bucket, and a name that points to it.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

variable "zone" {
  description = "A hosted zone of Route 53, such as example.com."
  type        = string
}

variable "bucket" {
  description = "The bucket to make for the configuration."
  type        = string
}

variable "acme_email" {
  description = "Let's Encrypt writes there when a certificate is about to expire that nobody has renewed."
  type        = string
}

variable "tag" {
  description = "The release of fisherman, such as v1.0.0."
  type        = string
}

variable "vpc_id" {
  type = string
}

variable "subnet_id" {
  type = string
}

variable "key_name" {
  description = "A key pair, to log in with by ssh. Default: none."
  type        = string
  default     = null
}

data "aws_ami" "debian" {
  owners      = ["136693071363"] # Debian
  most_recent = true

  filter {
    name   = "name"
    values = ["debian-12-arm64-*"]
  }
}

data "aws_route53_zone" "this" {
  name = var.zone
}

resource "aws_s3_bucket" "config" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "config" {
  bucket                  = aws_s3_bucket.config.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "config" {
  bucket = aws_s3_bucket.config.id

  versioning_configuration {
    status = "Enabled" # what was changed by mistake can be had again
  }
}

resource "aws_s3_object" "config" {
  bucket       = aws_s3_bucket.config.id
  key          = "fisherman.yaml"
  content      = templatefile("${path.module}/fisherman.yaml.tftpl", { zone = var.zone, acme_email = var.acme_email })
  content_type = "application/yaml"
}

module "fisherman" {
  source = "./.."

  name          = "fisherman"
  tag           = var.tag
  config_arn    = "${aws_s3_bucket.config.arn}/${aws_s3_object.config.key}"
  config_bucket = aws_s3_bucket.config.bucket
  config_key    = aws_s3_object.config.key
  vpc_id        = var.vpc_id
  subnet_id     = var.subnet_id
  ami           = data.aws_ami.debian.id
  instance_type = "t4g.nano"
  key_name      = var.key_name
}

resource "aws_route53_record" "names" {
  for_each = toset(["www", "deploy"])

  zone_id = data.aws_route53_zone.this.zone_id
  name    = "${each.value}.${var.zone}"
  type    = "A"
  ttl     = 60
  records = [module.fisherman.public_ip]
}

output "public_ip" {
  value = module.fisherman.public_ip
}

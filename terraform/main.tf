data "aws_region" "current" {}

resource "aws_instance" "this" {
  ami                         = var.ami
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  key_name                    = var.key_name
  iam_instance_profile        = aws_iam_instance_profile.this.name
  vpc_security_group_ids      = [aws_security_group.this.id]
  associate_public_ip_address = true

  user_data = templatefile("${path.module}/user-data.sh.tftpl", {
    tag      = var.tag
    releases = var.releases
    config   = "s3://${var.config_bucket}/${var.config_key}"
    region   = coalesce(var.config_region, data.aws_region.current.id)
  })

  # IMDSv2; one hop, so that containers cannot ask for the role's credentials.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = var.volume_size
  }

  tags        = { Name = var.name }
  volume_tags = { Name = var.name }

  # Both are what a new instance begins with. AWS would stop one that runs to change its user data, which nothing would
  # read again, and replace it for another image; with it its apps' volumes, certificates and history. See README.md.
  lifecycle {
    ignore_changes = [user_data, ami]
  }

  # It reads its configuration as soon as it is up.
  depends_on = [aws_iam_role_policy.config]
}
